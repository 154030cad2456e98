import type { FieldNode } from 'graphql';
import type { Mutation, RootCall } from '../document/operation.ts';
import type { GraphQLCall, GraphQLFieldCall } from './graphql-call.ts';

/** The call objects of one operation are made of this. */
export interface CallParts<Context> {
  readonly context: Context;
  readonly mutation: Mutation;
  readonly argsOf: (node: FieldNode) => Readonly<Record<string, unknown>>;
  readonly clientKey: string | undefined;
}

/** Makes the call object that a function of the adapter's options is shown. @param fields those that it is asked about */
export function operationCall<Context, Known extends object = object>(
  parts: CallParts<Context>,
  fields: readonly RootCall[] = parts.mutation.calls,
  known?: Known,
): GraphQLCall<Context> & Known {
  const { context, mutation, argsOf, clientKey } = parts;
  const call = {
    context,
    operation: mutation.operation,
    operationName: mutation.name,
    fields: fields.map(({ field, node }) => withArgs({ name: field }, () => argsOf(node))),
    clientKey,
    ...known,
  };
  return call as GraphQLCall<Context> & Known;
}

/** Makes the call object that a function of one field is shown. */
export function fieldCall<Context, Known extends object = object>(
  parts: CallParts<Context>,
  { field, node }: RootCall,
  known?: Known,
): GraphQLFieldCall<Context> & Known {
  const call = { ...operationCall(parts, undefined, known), field };
  return withArgs(call, () => parts.argsOf(node));
}

/** Adds to a doubt which field it is about. Its `args` are coerced when somebody reads them. */
export function ofField<Of extends object, Context>(
  of: Of,
  parts: CallParts<Context>,
  { field, node }: RootCall,
) {
  const own = Object.defineProperties({ field }, Object.getOwnPropertyDescriptors(of)) as Of & {
    field: string;
  };
  return withArgs(own, () => parts.argsOf(node));
}

/** Adds `args`, which are coerced when somebody reads them: that may fail, and costs time. */
function withArgs<Of extends object>(of: Of, args: () => Readonly<Record<string, unknown>>) {
  return Object.defineProperty(of, 'args', { get: args, enumerable: true }) as Of & {
    readonly args: Readonly<Record<string, unknown>>;
  };
}
