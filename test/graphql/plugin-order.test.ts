import { createServer } from 'node:http';
import { envelop, type Plugin, useEngine, useMaskedErrors, useSchema } from '@envelop/core';
import { useGraphQlJit } from '@envelop/graphql-jit';
import { GraphQLLiveDirectiveSDL, useLiveQuery } from '@envelop/live-query';
import { useRateLimiter } from '@envelop/rate-limiter';
import { useResponseCache } from '@envelop/response-cache';
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import { useResponseCache as useYogaResponseCache } from '@graphql-yoga/plugin-response-cache';
import { InMemoryLiveQueryStore } from '@n1ru4l/in-memory-live-query-store';
import * as GraphQLJS from 'graphql';
import { type ExecutionResult, GraphQLError, parse } from 'graphql';
import { createSchema, createYoga, useExecutionCancellation } from 'graphql-yoga';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Execute } from '../../plugin/graphql/host/plugin.ts';
import { idempotencyDirectives, useIdempotency } from '../../plugin/graphql/index.ts';
import type { IdempotencyEvent } from '../../server/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { listen } from '../support/listen.ts';
import { openFreshStore } from './store.ts';

const runs: string[] = [];
const run = (name: string) => runs.push(name);

const schema = createSchema({
  typeDefs: [
    idempotencyDirectives,
    GraphQLLiveDirectiveSDL,
    'type Query { ok: Int } type Mutation { pay(amount: Int): Int ship: Int order: Int @requiresIdempotencyKey }',
  ],
  resolvers: {
    Query: { ok: () => 1 },
    Mutation: { pay: () => run('pay'), ship: () => run('ship'), order: () => run('order') },
  },
});

// The server behind a remote executor: it has no plugin of ours.
const upstreamYoga = createYoga({ schema, logging: false });
const upstream = await listen(createServer(upstreamYoga));
const endpoint = `${upstream.url}/graphql`;
const opened = await openFreshStore();

const warnings: Error[] = [];
const noteWarning = (warning: Error) => void warnings.push(warning);
process.on('warning', noteWarning);

beforeEach(() => {
  runs.length = 0;
  warnings.length = 0;
});

afterAll(async () => {
  process.off('warning', noteWarning);
  await upstream[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

type Hook = {
  args: GraphQLJS.ExecutionArgs;
  executeFn: Execute;
  setExecuteFn(fn: Execute): void;
};
const onExecute = (hook: (payload: Hook) => unknown) => ({ onExecute: hook }) as Plugin;

const remote = buildHTTPExecutor({ endpoint });
const executeRemotely: Execute = ({ document, variableValues }) =>
  remote({ document, variables: variableValues as Record<string, unknown> }) as ReturnType<Execute>;

/** Plugins that bring an executor, and call none that was there before. */
const engines: Record<string, () => Plugin> = {
  'useEngine of Envelop': () => useEngine(GraphQLJS),
  '@envelop/graphql-jit': () => useGraphQlJit() as Plugin,
  '@graphql-tools/executor-http': () => onExecute(({ setExecuteFn }) => setExecuteFn(executeRemotely)),
  'a gateway, which takes the executor before and does not use it': () =>
    onExecute(({ executeFn, setExecuteFn }) => setExecuteFn(executeRemotely ?? executeFn)),
};

/** It can not execute the fields of an operation one by one, so it is of no use before ours. */
const textual: typeof engines = {
  'an executor that sends the text of the document': () =>
    onExecute(({ setExecuteFn }) =>
      setExecuteFn(async ({ document }) => {
        const response = await fetch(endpoint, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: document.loc?.source.body }),
        });
        return (await response.json()) as ExecutionResult;
      }),
    ),
};

/** Plugins that put something around the executor, or stand beside it. */
const wrappers: Record<string, () => Plugin> = {
  '@envelop/rate-limiter': () =>
    useRateLimiter({
      identifyFn: () => 'ada',
      configByField: [{ type: 'Mutation', field: '*', max: 100, window: '1m' }],
    }) as object,
  '@envelop/live-query': () => useLiveQuery({ liveQueryStore: new InMemoryLiveQueryStore() as never }),
  'useExecutionCancellation of Yoga': () => useExecutionCancellation() as object,
  'useMaskedErrors of Envelop': () => useMaskedErrors(),
  'a wrapper': () => onExecute(({ executeFn, setExecuteFn }) => setExecuteFn((args) => executeFn(args))),
  'a wrapper that takes the executor when it is called': () =>
    onExecute((payload) => {
      payload.setExecuteFn((args) => payload.executeFn(args));
    }),
  'a wrapper that parses the document anew': () =>
    onExecute(({ executeFn, setExecuteFn }) => {
      setExecuteFn((args) => executeFn({ ...args, document: parse(GraphQLJS.print(args.document)) }));
    }),
};

const cacheOf: Record<string, () => Plugin> = {
  Yoga: () => useYogaResponseCache({ session: () => null }) as object,
  'plain Envelop': () => useResponseCache({ session: () => null }),
};

interface Answer {
  readonly text: string;
  readonly result: ExecutionResult | undefined;
  readonly replayed: boolean;
}

type Order = (ours: Plugin) => Plugin[];
type Host = (order: Order, more?: { require?: boolean }) => (query: string, key?: string) => Promise<Answer>;

const events: IdempotencyEvent[] = [];

function ours({ require = false } = {}): Plugin {
  events.length = 0;
  const idempotency = createIdempotency({ store: opened.store, onEvent: (event) => events.push(event) });
  return useIdempotency({ idempotency, scope: () => 'ada', require }) as Plugin;
}

const hosts: Record<string, Host> = {
  Yoga(order, more) {
    const yoga = createYoga({ schema, logging: false, plugins: order(ours(more)) });
    return async (query, key) => {
      const response = await yoga.fetch('http://shop/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
        body: JSON.stringify({ query }),
      });
      const text = await response.text();
      return {
        text,
        result: JSON.parse(text),
        replayed: response.headers.get('idempotent-replayed') === 'true',
      };
    };
  },
  'plain Envelop'(order, more) {
    // The engine of GraphQL.js is there, as in each set-up, and first; the table moves another one about.
    const getEnveloped = envelop({
      plugins: [useEngine(GraphQLJS), useSchema(schema), ...order(ours(more))],
    });
    return async (query, key) => {
      const { parse, validate, execute, contextFactory, schema } = getEnveloped({
        request: new Request('http://shop/graphql', {
          method: 'POST',
          ...(key && { headers: { 'idempotency-key': key } }),
        }),
        params: { query },
      });
      try {
        const document = parse(query);
        const errors = validate(schema, document);
        if (errors.length > 0) throw errors[0];
        const result = await execute({ schema, document, contextValue: await contextFactory() });
        const replayed = result.extensions?.idempotency !== undefined;
        return { text: JSON.stringify(result), result, replayed };
      } catch (error) {
        return { text: String(error), result: undefined, replayed: false };
      }
    };
  },
};

let count = 0;
const freshKey = () => `order-${count++}`;

/** It runs once, and the retry gets the first answer; what needs a key is refused without. */
async function expectProtected(send: ReturnType<Host>): Promise<void> {
  const key = freshKey();
  const first = await send('mutation { pay(amount: 5) }', key);
  expect(first.result).toMatchObject({ data: { pay: 1 } });
  expect(await send('mutation { pay(amount: 5) }', key)).toMatchObject({
    result: { data: { pay: 1 } },
    replayed: true,
  });
  const fields = `mutation { pay @idempotent(key: "${key}-p") ship @idempotent(key: "${key}-s") }`;
  expect((await send(fields)).result).toMatchObject({ data: { pay: 2, ship: 3 } });
  expect((await send(fields)).result).toMatchObject({ data: { pay: 2, ship: 3 } });
  expect((await send('mutation { order }')).text).toContain('IDEMPOTENCY_KEY_MISSING');
  expect(runs).toEqual(['pay', 'pay', 'ship']);
  expect((await send('mutation { pay }')).result).toMatchObject({ data: { pay: 4 } });
  expect((await send('{ ok }')).result).toMatchObject({ data: { ok: 1 } });
  expect(warnings).toEqual([]);
}

/** Not even the first one runs, and whoever looks is told why. */
async function expectRefused(send: ReturnType<Host>): Promise<void> {
  const key = freshKey();
  const queries: [string, string?][] = [
    ['mutation { pay(amount: 5) }', key],
    [`mutation { pay(amount: 5) @idempotent(key: "${key}-p") }`],
    ['mutation { order }'],
    ['mutation { pay(amount: 5) }', key],
  ];
  for (const [query, given] of queries) {
    const { text, result } = await send(query, given);
    expect(text).toMatch(/Unexpected error|listed after/);
    expect(result?.data ?? undefined).toBeUndefined();
  }
  expect(runs).toEqual([]);
  const about = { type: 'unprotected', reason: 'refused' };
  const told = () => events.filter(({ type }) => type === 'unprotected');
  await vi.waitUntil(() => told().length >= 4); // the scope is asked for
  expect(told()).toMatchObject([
    { ...about, scope: 'ada', key, operation: 'pay' },
    { ...about, scope: 'ada', key: `${key}-p`, operation: 'pay' },
    { ...about, scope: '', key: '', operation: 'order' },
    { ...about, scope: 'ada', key, operation: 'pay' },
  ]);
  await vi.waitUntil(() => warnings.length > 0); // on a later tick
  expect(warnings).toMatchObject([
    { name: 'LatchkeyWarning', message: expect.stringContaining('List the plugins that bring an executor') },
  ]);
  // What needs no protection is executed by whoever executes it.
  expect((await send('mutation { ship }')).result).toMatchObject({ data: { ship: 1 } });
  expect((await send('{ ok }')).result).toMatchObject({ data: { ok: 1 } });
}

describe.each(Object.entries(hosts))('case 50: in %s', (name, host) => {
  const around = { ...wrappers, 'a response cache': cacheOf[name] as () => Plugin };

  it.each(Object.entries(engines))('with %s before ours, mutations are protected', async (_, engine) => {
    await expectProtected(host((ours) => [engine(), ours]));
  });

  it.each(Object.entries({ ...engines, ...textual }))(
    'with %s after ours, a mutation that needs protection is refused',
    async (_, engine) => {
      await expectRefused(host((ours) => [ours, engine()]));
    },
  );

  it.each(Object.entries(around))('with %s before ours, mutations are protected', async (_, wrapper) => {
    await expectProtected(host((ours) => [wrapper(), ours]));
  });

  it.each(Object.entries(around))('with %s after ours, mutations are protected', async (_, wrapper) => {
    await expectProtected(host((ours) => [ours, wrapper()]));
  });

  it('with all wrappers after ours at once, mutations are protected', async () => {
    await expectProtected(host((ours) => [ours, ...Object.values(around).map((wrapper) => wrapper())]));
  });

  for (const [name, engine] of Object.entries(engines)) {
    it(`with wrappers around ${name} after ours, in any order, a mutation that needs protection is refused`, async () => {
      const wrapper = wrappers['a wrapper'] as () => Plugin;
      await expectRefused(host((ours) => [ours, wrapper(), engine()]));
      runs.length = warnings.length = 0;
      await expectRefused(host((ours) => [ours, engine(), wrapper()]));
    });
  }

  it('an engine that replaces the executor of some operations only is refused these', async () => {
    const sampled = useGraphQlJit(
      {},
      { enableIf: ({ document }) => GraphQLJS.print(document).includes('ship') },
    );
    const send = host((ours) => [ours, sampled as Plugin]);
    expect((await send('mutation { pay }', freshKey())).result).toMatchObject({ data: { pay: 1 } });
    expect((await send('mutation { ship }', freshKey())).text).toMatch(/Unexpected error|listed after/);
    expect(runs).toEqual(['pay']);
  });

  it('a document that was compiled without a key before is refused with one', async () => {
    const send = host((ours) => [ours, useGraphQlJit() as Plugin]);
    const ship = 'mutation { ship }';
    expect((await send(ship)).result).toMatchObject({ data: { ship: 1 } });
    expect((await send(ship, freshKey())).text).toMatch(/Unexpected error|listed after/);
    expect((await send(ship)).result).toMatchObject({ data: { ship: 2 } });
  });

  it('what a plugin after ours refuses is its own answer, and leaves the key unused', async () => {
    let refuses = true;
    const guard = onExecute(({ executeFn, setExecuteFn }) => {
      setExecuteFn((args) => (refuses ? { errors: [new GraphQLError('Later')] } : executeFn(args)));
    });
    const send = host((ours) => [ours, guard]);
    const key = freshKey();
    expect((await send('mutation { pay }', key)).text).toContain('Later');
    refuses = false;
    expect((await send('mutation { pay }', key)).result).toMatchObject({ data: { pay: 1 } });
    expect(events.map(({ type }) => type)).not.toContain('unprotected');
  });

  it('an executor that keeps to no rule runs once: its answer is withheld, and then no mutation runs', async () => {
    const lawless = onExecute(({ setExecuteFn }) => setExecuteFn(() => ({ data: { pay: run('pay') } })));
    const send = host((ours) => [ours, lawless], { require: true });
    const key = freshKey();
    for (const given of [key, key, undefined, freshKey()]) {
      const { text, result } = await send('mutation { pay }', given);
      expect(text).toMatch(/Unexpected error|without the protection|refused/);
      expect(result?.data ?? undefined).toBeUndefined();
    }
    expect(runs).toEqual(['pay']);
    const reasons = () => events.flatMap((event) => (event.type === 'unprotected' ? [event.reason] : []));
    await vi.waitUntil(() => reasons().length >= 4); // the scope is asked for
    expect(reasons()).toEqual(['ran', 'refused', 'refused', 'refused']);
    await vi.waitUntil(() => warnings.length >= 2);
    expect(warnings[0]?.message).toContain('ran without the protection of useIdempotency');
  });

  it('an engine that a later plugin puts at the very end is noticed, too', async () => {
    const late = {
      onPluginInit({ plugins }: { plugins: Plugin[] }) {
        plugins.push(useEngine(GraphQLJS));
      },
    } as Plugin;
    const send = host((ours) => [ours, late]);
    for (const key of [freshKey(), freshKey(), freshKey()]) {
      expect((await send('mutation { pay }', key)).text).toMatch(
        /Unexpected error|without the protection|refused/,
      );
    }
    expect(runs).toEqual(['pay']);
  });

  it.each([
    ['one instance', (ours: Plugin) => [ours, ours]],
    ['two instances', (first: Plugin) => [first, ours()]],
    ['one apart from the other', (first: Plugin) => [first, useGraphQlJit() as Plugin, ours()]],
    [
      'one that another plugin adds',
      (first: Plugin) => [
        first,
        { onPluginInit: ({ addPlugin }: { addPlugin(plugin: Plugin): void }) => addPlugin(ours()) } as Plugin,
      ],
    ],
  ])('listed twice (%s), the plugin is an error when the server is made', (_, order) => {
    expect(() => host(order)).toThrow(
      new TypeError(
        'Expected useIdempotency once among the plugins, got 2: each would claim the key of the same operation. ' +
          'List it once; give it the policies of all mutations in `fields`',
      ),
    );
  });
});
