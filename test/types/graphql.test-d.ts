import { type Plugin as EnvelopPlugin, envelop } from '@envelop/core';
import type { ExecutionArgs } from 'graphql';
import { createSchema, createYoga, type YogaInitialContext, type Plugin as YogaPlugin } from 'graphql-yoga';
import type { Finished, Idempotency, Policy, Run } from 'latchkey';
import { type IdempotencyContext, type MutationOperation, useIdempotency } from 'latchkey/graphql';
import { expectTypeOf } from 'vitest';

declare const idempotency: Idempotency;

interface MyContext {
  user: string;
}

// The functions of the plugin get the context of the Yoga server that lists it.
createYoga({
  plugins: [
    useIdempotency({
      idempotency,
      scope(context) {
        expectTypeOf(context).toEqualTypeOf<YogaInitialContext>();
        return context.request.headers.get('authorization');
      },
      key(context, args) {
        expectTypeOf(context).toEqualTypeOf<YogaInitialContext>();
        expectTypeOf(args).toEqualTypeOf<ExecutionArgs>();
        return context.params.extensions?.key;
      },
      require(operation) {
        expectTypeOf(operation).toEqualTypeOf<MutationOperation>();
        return operation.fields.includes('pay');
      },
    }),
  ],
});
createYoga<object, MyContext>({
  plugins: [
    useIdempotency({
      idempotency,
      scope(context) {
        expectTypeOf(context.user).toEqualTypeOf<string>();
        return context.user;
      },
    }),
  ],
});

// `authorizeReplay` and fingerprint functions get it, too.
createYoga<object, MyContext>({
  plugins: [
    useIdempotency({
      idempotency,
      scope: (context) => context.user,
      authorizeReplay({ context, calls, scope }) {
        expectTypeOf(context.user).toEqualTypeOf<string>();
        expectTypeOf(calls[0]?.args).toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>();
        return context.user === scope;
      },
      fields: {
        pay: {
          fingerprint({ context, input }) {
            expectTypeOf(context.user).toEqualTypeOf<string>();
            expectTypeOf(input).toBeUnknown();
            return [context.user, input];
          },
        },
        ship: { fingerprint: { versions: { v2: async ({ context }) => context.user, v1: () => null } } },
      },
    }),
  ],
});
declare const nobody: { user: { isAdmin: boolean } | null };
useIdempotency({
  idempotency,
  scope: () => 's',
  // @ts-expect-error undefined is neither: of nobody, it would have to be false
  authorizeReplay: () => nobody.user?.isAdmin,
});
// @ts-expect-error a fingerprint is one of the two
const both: Policy['fingerprint'] = { exclude: [], versions: {}, other: 1 };
expectTypeOf(both).not.toBeAny();

// A scope may be a promise, and nobody's.
useIdempotency({ idempotency, scope: async () => 'ada' });
useIdempotency({ idempotency, scope: () => null });
// @ts-expect-error a scope is text
useIdempotency({ idempotency, scope: () => 42 });
// @ts-expect-error a scope is not optional
useIdempotency({ idempotency });
// @ts-expect-error nor is what createIdempotency returned
useIdempotency({ scope: () => 'ada' });
// @ts-expect-error no such option
useIdempotency({ idempotency, scope: () => 'ada', header: 'x-key' });

// `scope` may say which context it takes; then the plugin fits where there is one.
const ofMyContext = useIdempotency({ idempotency, scope: (context: MyContext) => context.user });
expectTypeOf(ofMyContext).toExtend<EnvelopPlugin<MyContext>>();
expectTypeOf(ofMyContext).toExtend<YogaPlugin<MyContext>>();
expectTypeOf(ofMyContext).not.toExtend<EnvelopPlugin<{ user: number }>>();
createYoga({ context: () => ({ user: 'me' }), plugins: [ofMyContext] });
envelop({ plugins: [ofMyContext] });

// A plugin of a given type says it too.
export const plugin: YogaPlugin<MyContext> = useIdempotency({
  idempotency,
  scope(context) {
    expectTypeOf(context).toExtend<MyContext & YogaInitialContext>();
    return context.user;
  },
});

// Policies by field.
useIdempotency({
  idempotency,
  scope: () => 'ada',
  fields: {
    pay: {
      retentionMs: 60_000,
      unresolvedRetentionMs: null,
      concurrent: 'reject',
      resolve: async ({ state, downstreamKey, step, signal }) => {
        expectTypeOf(state).toEqualTypeOf<'lapsed' | 'in_doubt'>();
        expectTypeOf(downstreamKey('charge')).toEqualTypeOf<string>();
        expectTypeOf(step<number>('charge')).toEqualTypeOf<Promise<number | undefined>>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        return { action: 'complete', data: { pay: { id: '1' } } };
      },
      classify: (finished) => {
        expectTypeOf(finished).toEqualTypeOf<Finished>();
        return finished.outcome === 'error' ? 'release' : 'store';
      },
    },
    // @ts-expect-error no such policy
    ship: { retentionMS: 5 },
    // @ts-expect-error no such behaviour
    refund: { concurrent: 'queue' },
    // @ts-expect-error a resolution that says to complete says with what
    close: { resolve: async () => ({ action: 'complete' }) },
    // @ts-expect-error a transaction whose process died is retried, whatever it says
    split: { transaction: true, onCrash: 'retry' },
    join: { transaction: true, resolve: () => ({ action: 'retry' }) },
    // @ts-expect-error no such class
    open: { classify: () => 'keep' },
  },
});

// Resolvers find a run, or none, and can not replace it.
expectTypeOf<IdempotencyContext['idempotency']>().toEqualTypeOf<Run | undefined>();
createSchema<MyContext & IdempotencyContext>({
  typeDefs: 'type Query { ok: Boolean } type Mutation { pay: String }',
  resolvers: {
    Mutation: {
      pay: (_parent, _args, context) => {
        expectTypeOf(context.idempotency).toEqualTypeOf<Run | undefined>();
        // @ts-expect-error without a key there is no run
        context.idempotency.downstreamKey('charge');
        const charge = context.idempotency?.downstreamKey('charge');
        // @ts-expect-error it is the plugin's to give
        context.idempotency = undefined;
        return charge;
      },
    },
  },
});
