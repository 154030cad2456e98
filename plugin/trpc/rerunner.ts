import type { AnyTRPCRouter } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createRerunner, type RerunAnswer } from '../../server/admin/rerunners/create-rerunner.ts';
import { keyHeader } from '../../server/admin/rerunners/key-header.ts';
import {
  type CapturedRequest,
  type RerunActor,
  type Rerunner,
  storedBody,
} from '../../server/admin/rerunners/rerunner.ts';
import { checkOptions } from '../../server/engine/check-options.ts';
import { aFunction, aHeaderName, type Check } from '../../server/engine/option-checks.ts';
import { trpcFormat } from '../../server/formats/trpc.ts';
import { withRerunKey } from '../../server/run/rerun-key.ts';
import { asking, isGuard, type Question } from './marks.ts';
import { idempotencyResponseMeta } from './response-meta.ts';
import { formOf } from './transformer-form.ts';
import { type Config, configOf, mutationAt } from './trpc.ts';

/** A `TRPCRerunActor` is whom a call is sent as. */
export interface TRPCRerunActor extends RerunActor {
  /** The context of the call, as `createContext` would make it; `req`, the request with the key, is added to it. */
  readonly ctx: object;
}

/** The options of `createTRPCRerunner`. */
export interface TRPCRerunnerOptions {
  /** The router that the captured calls were sent to. */
  readonly router: AnyTRPCRouter;
  /**
   * Says whom a captured call is sent as now; null when whoever sent it first may not any more.
   * @example
   * actAs: async ({ scope }) => ({ scope, label: `user ${scope}`, ctx: { user: await find(scope) } })
   */
  readonly actAs: (request: CapturedRequest) => TRPCRerunActor | null | Promise<TRPCRerunActor | null>;
  /**
   * The header that the middleware reads keys from, as `headerName` of `createIdempotencyMiddleware` says.
   * @default 'Idempotency-Key'
   */
  readonly headerName?: string;
}

const CHECKS: Readonly<Record<keyof TRPCRerunnerOptions, Check>> = {
  router: {
    expected: 'a tRPC router',
    // Routers are functions in some releases.
    accepts: (value) => typeof (value as { createCaller?: unknown } | null)?.createCaller === 'function',
    required: true,
  },
  actAs: {
    expected: 'a function: as whom a call is sent again is your decision',
    accepts: aFunction.accepts,
    required: true,
  },
  headerName: aHeaderName,
};

const ENDPOINT = '/trpc';

/**
 * Makes a rerunner that sends captured tRPC calls through the router, with their key, as whom the developer says. For the `rerunners`
 * of `createDashboard`.
 * @example
 * createTRPCRerunner({ router, actAs: async ({ scope }) => ({ scope, label: scope, ctx: { user: await find(scope) } }) })
 * @throws TypeError for an option that is unknown or not what it should be
 * @experimental
 */
export function createTRPCRerunner(options: TRPCRerunnerOptions): Rerunner {
  checkOptions<TRPCRerunnerOptions>(options, CHECKS, { of: 'createTRPCRerunner' });
  const { router, actAs, headerName = 'Idempotency-Key' } = options;
  const { transformer } = configOf(router);
  const form = formOf({ transformer });

  return createRerunner({
    format: trpcFormat.name,
    actAs,
    problemOf: (request) => problemOf(router, transformer, request),

    async fingerprintsOf(request, { ctx }) {
      const { path } = trpcFormat.readRequest(request.body);
      const procedure = await mutationAt(router, path);
      if (!procedure?.middlewares?.some(isGuard)) return undefined; // nothing would stop the call before its resolver
      const question: Question = { path };
      const response = await call(request, asking(ctx, question));
      if (question.answer || response.ok) return question.answer;
      throw new Error(`It would be answered before its key is looked at: ${await bodyOf(response)}`);
    },

    async send(request, { ctx }) {
      const response = await call(request, ctx);
      return answerOf(response, await bodyOf(response));
    },

    response(given) {
      const body =
        'error' in given
          ? trpcFormat.givenFailure(given.error)
          : trpcFormat.writeResult({ data: transformer.output.serialize(given.data) });
      return storedBody(trpcFormat.nameFor(form), body);
    },
  });

  function call({ key, body }: CapturedRequest, ctx: object): Promise<Response> {
    const { path, input } = trpcFormat.readRequest(body);
    return fetchRequestHandler({
      endpoint: ENDPOINT,
      router,
      responseMeta: idempotencyResponseMeta,
      createContext: ({ req }) => withRerunKey({ ...ctx, req }, key),
      req: new Request(`http://rerun${ENDPOINT}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [headerName]: keyHeader(key) ?? '' },
        ...(input !== undefined && { body: JSON.stringify(input) }),
      }),
    });
  }
}

const bodyOf = async (response: Response) => (await response.text()).slice(0, 500);

/** Null when the procedure is there and its validators take the input. */
async function problemOf(
  router: AnyTRPCRouter,
  transformer: Config['transformer'],
  request: CapturedRequest,
): Promise<string | null> {
  if (keyHeader(request.key) === undefined) return 'Its key can not be sent in a header';
  try {
    const { path, input } = trpcFormat.readRequest(request.body);
    const procedure = await mutationAt(router, path);
    if (!procedure) return `There is no mutation ${path} any more`;
    const value: unknown = transformer.input.deserialize(input);
    for (const validator of procedure.inputs ?? []) {
      const issue = await issueOf(validator, value);
      if (issue !== null) return `Its input is no longer valid: ${issue}`;
    }
    return null;
  } catch (error) {
    return `It can not be read: ${(error as Error).message}`;
  }
}

/** Asks a validator by the Standard Schema, which zod and its like have. A validator of another kind is asked when the call is sent. */
async function issueOf(validator: unknown, value: unknown): Promise<string | null> {
  const standard = (validator as { '~standard'?: { validate(value: unknown): unknown } })['~standard'];
  const result = (await standard?.validate(value)) as { issues?: readonly { message: string }[] } | undefined;
  return result?.issues?.[0]?.message ?? null;
}

function answerOf({ ok, headers }: Response, body: string): RerunAnswer {
  return {
    error: ok ? null : body,
    replayed: headers.get('idempotent-replayed') === 'true',
  };
}
