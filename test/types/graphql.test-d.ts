import { type Plugin as EnvelopPlugin, envelop } from '@envelop/core';
import type { ExecutionResult, GraphQLResolveInfo } from 'graphql';
import { createSchema, createYoga, type YogaInitialContext, type Plugin as YogaPlugin } from 'graphql-yoga';
import type { Finished, Idempotency, Policy, Run } from 'latchkey';
import {
  type CalledField,
  type GraphQLCall,
  type GraphQLFieldCall,
  type IdempotencyContext,
  type KeyOfCall,
  type UseIdempotencyOptions,
  useIdempotency,
} from 'latchkey/graphql';
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
      scope(call) {
        expectTypeOf(call).toEqualTypeOf<GraphQLCall<YogaInitialContext>>();
        return call.context.request.headers.get('authorization');
      },
      async key({ context, clientKey }) {
        expectTypeOf(context).toEqualTypeOf<YogaInitialContext>();
        expectTypeOf(clientKey).toEqualTypeOf<string | undefined>();
        return clientKey ?? context.params.extensions?.key;
      },
      async require({ context, fields }) {
        expectTypeOf(context).toEqualTypeOf<YogaInitialContext>();
        return fields.some(({ name }) => name === 'pay');
      },
      request({ context }) {
        expectTypeOf(context).toEqualTypeOf<YogaInitialContext>();
        return { headers: context.request.headers, extensions: context.params.extensions };
      },
    }),
  ],
});
createYoga<object, MyContext>({
  plugins: [
    useIdempotency({
      idempotency,
      scope({ context }) {
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
      scope: ({ context }) => context.user,
      authorizeReplay({ context, fields, scope }) {
        expectTypeOf(context.user).toEqualTypeOf<string>();
        expectTypeOf(fields[0]?.args).toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>();
        return context.user === scope;
      },
      fields: {
        pay: {
          fingerprint(call) {
            expectTypeOf(call).toExtend<GraphQLFieldCall<MyContext> & KeyOfCall>();
            expectTypeOf(call.context.user).toEqualTypeOf<string>();
            expectTypeOf(call.args).toEqualTypeOf<Readonly<Record<string, unknown>>>();
            return [call.context.user, call.args];
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
// @ts-expect-error an option of another adapter
useIdempotency({ idempotency, scope: () => 'ada', methods: ['POST'] });
// @ts-expect-error an option of all mutations only
useIdempotency({ idempotency, scope: () => 'ada', fields: { pay: { headerName: 'x-key' } } });
// @ts-expect-error a policy has no scope
useIdempotency({ idempotency, scope: () => 'ada', policy: { scope: () => 'ada' } });
// @ts-expect-error where a request stands is known at once
useIdempotency({ idempotency, scope: () => 'ada', request: async () => ({ headers: {} }) });

// `scope` may say which context it takes; then the plugin fits where there is one.
const ofMyContext = useIdempotency({
  idempotency,
  scope: ({ context }: { context: MyContext }) => context.user,
});
expectTypeOf(ofMyContext).toExtend<EnvelopPlugin<MyContext>>();
expectTypeOf(ofMyContext).toExtend<YogaPlugin<MyContext>>();
expectTypeOf(ofMyContext).not.toExtend<EnvelopPlugin<{ user: number }>>();
createYoga({ context: () => ({ user: 'me' }), plugins: [ofMyContext] });
envelop({ plugins: [ofMyContext] });

// A plugin of a given type says it too.
export const plugin: YogaPlugin<MyContext> = useIdempotency({
  idempotency,
  scope({ context }) {
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
      unresolvedRetentionMs: null,
      concurrent: 'reject',
      resolve: async ({ args, state, downstreamKey, step, signal }) => {
        expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, unknown>>>();
        expectTypeOf(state).toEqualTypeOf<'lapsed' | 'in_doubt'>();
        expectTypeOf(downstreamKey('charge')).toEqualTypeOf<string>();
        expectTypeOf(step<number>('charge')).toEqualTypeOf<Promise<number | undefined>>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        return { action: 'complete', data: { id: '1' } };
      },
      classify: (finished) => {
        expectTypeOf(finished).toExtend<Finished<ExecutionResult>>();
        return finished.outcome === 'error' ? 'release' : 'store';
      },
      retentionMs: (finished) => {
        expectTypeOf(finished).toExtend<Finished<ExecutionResult>>();
        return 60_000;
      },
    },
    // @ts-expect-error no such policy
    ship: { retentionMS: 5 },
    // @ts-expect-error a time can not be waited for
    hold: { retentionMs: async () => 60_000 },
    // @ts-expect-error no such behaviour
    refund: { concurrent: 'queue' },
    // @ts-expect-error a resolution that says to complete says with what
    close: { resolve: async () => ({ action: 'complete' }) },
    // @ts-expect-error a transaction whose process died is retried, whatever it says
    split: { transaction: true, onCrash: 'retry' },
    join: { transaction: true, resolve: () => ({ action: 'retry' }) },
    mine: { key: null, authorizeReplay: null, require: async ({ args }) => args.amount === 5 },
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

// What GraphQL Code Generator makes of a schema, with its defaults: a field may be a function or an object, and is optional.
type Resolver<Result, Args> =
  | ((parent: object, args: Args, context: MyContext, info: GraphQLResolveInfo) => Promise<Result> | Result)
  | {
      resolve: (
        parent: object,
        args: Args,
        context: MyContext,
        info: GraphQLResolveInfo,
      ) => Promise<Result> | Result;
    };
interface Charge {
  id: string;
  amount: number;
}
interface Resolvers {
  Mutation?: {
    chargeCard?: Resolver<Charge | Promise<Charge>, { amount: number; note?: string | null }>;
    setTheme?: Resolver<string | null, { name: 'dark' | 'light' }>;
  };
}
type Mutations = Resolvers['Mutation'];

const typed = useIdempotency<MyContext, Mutations>({
  idempotency,
  scope(call) {
    expectTypeOf(call).toEqualTypeOf<GraphQLCall<MyContext, Mutations>>();
    return call.context.user;
  },
  require({ fields }) {
    expectTypeOf(fields).toEqualTypeOf<readonly CalledField<Mutations>[]>();
    return fields.some((field) => field.name === 'chargeCard' && field.args.amount > 5);
  },
  key({ clientKey, fields }) {
    // @ts-expect-error no such mutation
    return clientKey ?? fields.find(({ name }) => name === 'chargeCart')?.name;
  },
  policy: {
    fingerprint(call) {
      expectTypeOf(call.field).toEqualTypeOf<'chargeCard' | 'setTheme'>();
      return call.args;
    },
  },
  fields: {
    chargeCard: {
      require: true,
      key: async ({ clientKey, args }) => {
        expectTypeOf(args).toEqualTypeOf<{ amount: number; note?: string | null }>();
        return clientKey ?? args.note;
      },
      fingerprint: ({ args, context, scope, key }) => [args.amount, context.user, scope, key],
      authorizeReplay: ({ args, field }) => {
        expectTypeOf(field).toEqualTypeOf<'chargeCard'>();
        return args.amount > 5;
      },
      classify: ({ result }) => {
        expectTypeOf(result.data?.chargeCard?.amount).toEqualTypeOf<number | undefined>();
        return 'store';
      },
    },
    setTheme: { require: ({ args }) => args.name === 'dark', concurrent: 'reject' },
  },
});
expectTypeOf(typed).toExtend<YogaPlugin<MyContext>>();

useIdempotency<MyContext, Mutations>({
  idempotency,
  scope: ({ context }) => context.user,
  // @ts-expect-error no such mutation
  fields: { chargeCart: { require: true } },
});
useIdempotency<MyContext, Mutations>({
  idempotency,
  scope: ({ context }) => context.user,
  // @ts-expect-error no such option of a field
  fields: { chargeCard: { required: true } },
});
useIdempotency<MyContext, Mutations>({
  idempotency,
  scope: ({ context }) => context.user,
  // @ts-expect-error no such argument
  fields: { setTheme: { require: ({ args }) => args.amount > 5 } },
});
useIdempotency<MyContext, Mutations>({
  idempotency,
  // @ts-expect-error a context is in the call
  scope: ({ user }) => user,
});

// One type parameter stays enough, and a map of resolvers serves as the second one.
useIdempotency<MyContext>({ idempotency, scope: ({ context }) => context.user, fields: { anything: {} } });
const resolvers = {
  ship: (_parent: unknown, args: { to: string }) => args.to,
};
export const options: UseIdempotencyOptions<MyContext, typeof resolvers> = {
  idempotency,
  scope: ({ context }) => context.user,
  fields: { ship: { key: ({ args }) => args.to } },
};
