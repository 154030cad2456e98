import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { startKeyedShop } from './field-support.ts';
import { type Context, codeOf, key, type ShopOptions } from './support.ts';

/** Who is signed in, and who may pay: withdrawn by the test after the first call. */
class Members {
  readonly #known = new Set(['ada']);
  readonly #paying = new Set(['ada']);

  withdraw(what: 'the role' | 'the login'): void {
    if (what === 'the role') this.#paying.clear();
    else this.#known.clear();
  }

  userOf({ request }: Context): string | null {
    const user = request.headers.get('x-user');
    return user !== null && this.#known.has(user) ? user : null;
  }

  /** What an application's check throws. */
  check(context: Context): void {
    const user = this.userOf(context);
    if (user === null) throw refusal('UNAUTHENTICATED', 401);
    if (!this.#paying.has(user)) throw refusal('FORBIDDEN', 403);
  }

  mayPay(context: Context): boolean {
    try {
      this.check(context);
      return true;
    } catch {
      return false;
    }
  }
}

const refusal = (code: string, status: number) =>
  new GraphQLError(code, { extensions: { code, http: { status } } });

interface Hook {
  args: { contextValue: Context };
  executeFn(args: { contextValue: Context }): unknown;
  setExecuteFn(fn: unknown): void;
  setResultAndStopExecution(result: object): void;
}

const buildingContext = (members: Members) => ({
  onContextBuilding: ({ context }: { context: Context }) => members.check(context),
});
const inHook = (members: Members) => ({ onExecute: ({ args }: Hook) => members.check(args.contextValue) });
const stopping = (members: Members) => ({
  onExecute({ args, setResultAndStopExecution }: Hook) {
    if (!members.mayPay(args.contextValue))
      setResultAndStopExecution({ errors: [refusal('FORBIDDEN', 403)] });
  },
});
const wrapping = (members: Members) => ({
  onExecute({ executeFn, setExecuteFn }: Hook) {
    setExecuteFn(async (args: Hook['args']) => {
      members.check(args.contextValue);
      return executeFn(args);
    });
  },
});

type Check = (members: Members) => ShopOptions;
const plugin = (place: 'before' | 'after', make: (members: Members) => object): Check => {
  return (members) => ({ [place]: [make(members)] });
};
const inResolver: Check = (members) => ({
  mutations: {
    pay: ({ amount }, context) => {
      members.check(context);
      return amount;
    },
  },
  typeDefs: 'type Mutation { pay(amount: Int): Int }',
});
const hook: Check = (members) => ({
  useIdempotency: {
    authorizeReplay: ({ context }) => {
      members.check(context);
      return true;
    },
  },
});

/** Where docs/graphql.md lets a check stand without a hook. */
const asked: Record<string, Check> = {
  'while the context is built, by the server': (members) => ({
    context: (initial) => {
      members.check(initial as Context);
      return {};
    },
  }),
  'while the context is built, by a plugin before ours': plugin('before', buildingContext),
  'while the context is built, by a plugin after ours': plugin('after', buildingContext),
  'in onExecute of a plugin before ours': plugin('before', inHook),
  'in onExecute of a plugin after ours': plugin('after', inHook),
  'in a plugin before ours that stops the execution': plugin('before', stopping),
  'in a plugin after ours that stops the execution': plugin('after', stopping),
  'around the execution, by a plugin after ours': plugin('after', wrapping),
};

/** Where it says that `authorizeReplay` is needed. */
const unasked: Record<string, Check> = {
  'around the execution, by a plugin before ours': plugin('before', wrapping),
  'inside the resolver': inResolver,
};

async function sendTwice(
  options: (members: Members) => ShopOptions,
  query: string,
  what: 'the role' | 'the login',
) {
  const members = new Members();
  await using shop = await startKeyedShop(options(members));
  const send = () => shop.post({ query }, { 'x-user': 'ada', ...(query.includes('@') ? {} : key('k')) });
  const first = await send();
  expect(first.body).toBe('{"data":{"pay":424242}}');
  members.withdraw(what);
  const before = await shop.records();
  const second = await send();
  expect(shop.runs).toEqual(['pay']);
  expect(await shop.records()).toEqual(before);
  return second;
}

const forms = {
  'an operation with a key': 'mutation { pay(amount: 424242) }',
  'a field with a key': 'mutation { pay(amount: 424242) @idempotent(key: "k") }',
};

describe.each(Object.entries(forms))(
  'case 15: %s, and access that was withdrawn after it ran',
  (_, query) => {
    describe.each(['the role', 'the login'] as const)('(%s)', (what) => {
      it.each(Object.entries(asked))('is refused by a check %s', async (_place, check) => {
        const retry = await sendTwice(check, query, what);
        expect(['FORBIDDEN', 'UNAUTHENTICATED']).toContain(codeOf(retry));
        expect(retry).toMatchObject({ replayed: false, body: expect.not.stringContaining('424242') });
      });

      it.each(Object.entries(unasked))(
        'is not seen by a check %s, but by the hook',
        async (_place, check) => {
          const unhooked = await sendTwice(check, query, what);
          expect(unhooked).toMatchObject({ replayed: true, body: '{"data":{"pay":424242}}' });
          const hooked = await sendTwice((members) => ({ ...check(members), ...hook(members) }), query, what);
          expect(codeOf(hooked)).toBe(what === 'the role' ? 'FORBIDDEN' : 'UNAUTHENTICATED');
          expect(hooked).toMatchObject({ replayed: false, body: expect.not.stringContaining('424242') });
        },
      );
    });

    it('is refused to whoever has no scope any more', async () => {
      const retry = await sendTwice(
        (members) => ({ useIdempotency: { scope: ({ context }) => members.userOf(context) } }),
        query,
        'the login',
      );
      expect([retry.status, codeOf(retry)]).toEqual([401, 'IDEMPOTENCY_SCOPE_MISSING']);
    });
  },
);
