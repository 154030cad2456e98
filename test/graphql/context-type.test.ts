import { type Plugin as EnvelopPlugin, envelop } from '@envelop/core';
import { createYoga, type YogaInitialContext, type Plugin as YogaPlugin } from 'graphql-yoga';
import { expectTypeOf, it } from 'vitest';
import { type IdempotencyContext, useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotency, type Policy, type Run } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

interface MyContext {
  user: string;
}

const idempotency = createIdempotency({ store: createMemoryStore() });

it('`scope` knows the context of a Yoga server', () => {
  createYoga({
    plugins: [
      useIdempotency({
        idempotency,
        scope: (context) => {
          expectTypeOf(context).toEqualTypeOf<YogaInitialContext>();
          return context.request.headers.get('authorization');
        },
      }),
    ],
  });
  createYoga<object, MyContext>({
    plugins: [
      useIdempotency({
        idempotency,
        scope: (context) => {
          expectTypeOf(context.user).toEqualTypeOf<string>();
          return context.user;
        },
      }),
    ],
  });
});

it('`scope` may say which context it takes', () => {
  const plugin = useIdempotency({ idempotency, scope: (context: MyContext) => context.user });
  expectTypeOf(plugin).toExtend<EnvelopPlugin<MyContext>>();
  expectTypeOf(plugin).toExtend<YogaPlugin<MyContext>>();
  expectTypeOf(plugin).not.toExtend<EnvelopPlugin<{ user: number }>>();
  createYoga({ context: () => ({ user: 'me' }), plugins: [plugin] });
  envelop({ plugins: [plugin] });
});

it('`authorizeReplay` and fingerprint functions know it, too', () => {
  createYoga<object, MyContext>({
    plugins: [
      useIdempotency({
        idempotency,
        scope: (context) => context.user,
        authorizeReplay: ({ context, calls, scope }) => {
          expectTypeOf(context.user).toEqualTypeOf<string>();
          expectTypeOf(calls[0]?.args).toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>();
          return context.user === scope;
        },
        fields: {
          pay: {
            fingerprint: ({ context, input }) => {
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
  const context = { user: { isAdmin: true } as { isAdmin: boolean } | null };
  useIdempotency({
    idempotency,
    scope: () => 's',
    // @ts-expect-error undefined is neither: of nobody, it would have to be false
    authorizeReplay: () => context.user?.isAdmin,
  });
  createIdempotency({ store: createMemoryStore(), fingerprint: { exclude: ['clientClock'] } });
  // @ts-expect-error one of the two
  const both: Policy['fingerprint'] = { exclude: [], versions: {}, other: 1 };
  expectTypeOf(both).not.toBeAny();
});

it('a plugin of a given type says it too', () => {
  const plugin: YogaPlugin<MyContext> = useIdempotency({
    idempotency,
    scope: (context) => {
      expectTypeOf(context).toExtend<MyContext & YogaInitialContext>();
      return context.user;
    },
  });
  expectTypeOf(plugin).not.toBeAny();
});

it('a resolver finds a run, or none', () => {
  expectTypeOf<IdempotencyContext['idempotency']>().toEqualTypeOf<Run | undefined>();
});
