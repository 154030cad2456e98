import type { ExecutionArgs, ExecutionResult, GraphQLSchema } from 'graphql';

/** An executor gives a `Result`: a stream only where `@defer` or `@stream` got past us. */
export type Result = ExecutionResult | AsyncIterable<ExecutionResult>;

export type Args<Context> = Omit<ExecutionArgs, 'contextValue'> & { contextValue: Context };

/** The executor, or what other plugins have put around it. */
export type Execute = (args: ExecutionArgs) => Result | Promise<Result>;

/**
 * An `IdempotencyPlugin` is for the list of `plugins` of Yoga or Envelop, and for nothing else: its hooks are called by them, and may
 * change in any release.
 */
export interface IdempotencyPlugin<Context> {
  /** Typed, so that `Context` is inferred where plugins are listed. @internal */
  readonly onExecute: (payload: ExecutePayload<Context>) => void | Promise<void>;
}

/**
 * The hooks that we use of Envelop's and Yoga's plugins, typed by shape: a user of one need not have the other's package, and `Context` is
 * only taken and never given.
 */
export interface PluginHooks<Context> extends IdempotencyPlugin<Context>, YogaHooks {
  onPluginInit(payload: { plugins: object[] }): void;
  onEnveloped(payload: { context: unknown }): void;
  onSchemaChange(payload: { schema: GraphQLSchema }): void;
  onSubscribe(payload: SubscribePayload): void;
}

interface ExecutePayload<Context> {
  readonly args: Args<Context>;
  readonly executeFn: Execute;
  setExecuteFn(executeFn: Execute): void;
}

/** The `Sentinel` is a plugin that this one adds to the end of the pipeline. */
export interface Sentinel {
  onExecute(
    payload: ExecutePayload<unknown>,
  ): { onExecuteDone(payload: { result: Result }): void } | undefined;
}

interface SubscribePayload {
  readonly args: Pick<ExecutionArgs, 'document' | 'operationName'>;
  setSubscribeFn(subscribeFn: () => ExecutionResult): void;
}

/** Yoga calls these hooks, and Envelop does not. */
export interface YogaHooks {
  onYogaInit(payload: { yoga: object }): void;
  onRequestParse(payload: { request: object }): {
    onRequestParseDone(payload: { requestParserResult: unknown }): void;
  };
  onResultProcess(payload: { request: object; result: unknown }): void;
  onResponse(payload: {
    request: object;
    response: { headers: { set(name: string, value: string): void } };
  }): void;
}
