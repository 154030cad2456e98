import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Execute } from '../../plugin/graphql/host/plugin.ts';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import type { Finished } from '../../server/engine/policy.ts';
import { createIdempotency } from '../../server/index.ts';
import { listen } from '../support/listen.ts';
import { openFreshStore } from './store.ts';

// The server is a proxy: another one charges, and its answer is lost. No sign of that reaches us that a refusal before the
// charge would not give as well.

const charges: string[] = [];
const received: (() => void)[] = [];

type Reply = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (body: unknown, status = 200): Reply =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** What becomes of the answer, once the charge is made. */
const losses: Record<string, Reply> = {
  'the connection is reset': (_, response) => void response.destroy(),
  'the answer is cut off': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"data":', () => response.destroy());
  },
  'the caller gives up waiting': () => received.shift()?.(),
  'a gateway says 500': (_, response) => void response.writeHead(500).end('Bad gateway'),
  'a gateway says 502 with JSON': json({ message: 'Bad gateway' }, 502),
  'the answer is no JSON': (_, response) => void response.end('<html>'),
  'there are errors and no data': json({ errors: [{ message: 'Timeout' }] }),
  'there are errors with a code of a refusal, and no data': json({
    errors: [{ message: 'Later', extensions: { code: 'RATE_LIMITED', http: { status: 429 } } }],
  }),
  'the answer is an empty object': json({}),
};

let reply: Reply = losses['a gateway says 500'] as Reply;
const upstream = await listen(
  createServer(async (request, response) => {
    request.resume();
    await once(request, 'end');
    charges.push('charge');
    reply(request, response);
  }),
);
const endpoint = `${upstream.url}/graphql`;
const opened = await openFreshStore();

beforeEach(() => {
  charges.length = 0;
  received.length = 0;
});

afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

/** Aborts once the upstream has charged, as a time limit would. */
function givesUp(): AbortSignal {
  const controller = new AbortController();
  received.push(() => controller.abort(new Error('Timed out')));
  return controller.signal;
}

const body = ({ document, variableValues }: ExecutionArgs) =>
  JSON.stringify({ query: document.loc?.source.body, variables: variableValues });

const executors: Record<string, () => Execute> = {
  'buildHTTPExecutor of GraphQL Tools': () => {
    const signal = givesUp();
    const execute = buildHTTPExecutor({ endpoint });
    return ({ document, variableValues, contextValue, operationName }) =>
      execute({
        document,
        variables: variableValues as never,
        context: contextValue,
        ...(operationName && { operationName }),
        signal,
      }) as ReturnType<Execute>;
  },
  'a fetch of its own, which rejects': () => {
    const signal = givesUp();
    return async (args) => {
      const response = await fetch(endpoint, { method: 'POST', body: body(args), signal });
      return (await response.json()) as Awaited<ReturnType<Execute>>;
    };
  },
  'a fetch that reads nothing of what it is given': () => {
    const signal = givesUp();
    return async () => {
      const response = await fetch(endpoint, { method: 'POST', body: '{}', signal });
      return (await response.json()) as Awaited<ReturnType<Execute>>;
    };
  },
};

let count = 0;
const mutation = 'mutation { pay(amount: 5) }';

/** A Yoga server whose execution is this function's. */
function start(execute: Execute, classify?: (finished: Finished) => 'store' | 'release' | 'in_doubt') {
  const key = `k${count++}`;
  const idempotency = createIdempotency({ store: opened.store, ...(classify && { classify }) });
  const yoga = createYoga({
    logging: false,
    schema: createSchema({ typeDefs: 'type Query { ok: Int } type Mutation { pay(amount: Int!): Int }' }),
    plugins: [
      {
        onExecute({ setExecuteFn }: { setExecuteFn(fn: Execute): void }) {
          setExecuteFn(execute);
        },
      },
      useIdempotency({ idempotency, scope: () => 'ada' }),
    ],
  });
  return async function send(query = mutation, variables?: object) {
    const response = await yoga.fetch('http://shop/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    return { text, code: JSON.parse(text).errors?.[0]?.extensions?.code, status: response.status };
  };
}

describe('case 71: a lost answer is not taken for a refusal', () => {
  for (const [executor, make] of Object.entries(executors)) {
    it.each(Object.keys(losses))(`${executor}: %s, and a retry does not charge again`, async (loss) => {
      reply = losses[loss] as Reply;
      const send = start(make());
      const first = await send();
      expect(first.text).not.toContain('"pay":');
      const retry = await send();
      expect(charges).toHaveLength(1);
      expect(retry).toMatchObject({ status: 409, code: 'IDEMPOTENCY_IN_DOUBT' });
    });
  }

  it('an answer with null data is an outcome: a retry gets it again', async () => {
    reply = json({ data: null, errors: [{ message: 'Declined' }] });
    const send = start((executors['buildHTTPExecutor of GraphQL Tools'] as () => Execute)());
    const first = await send();
    expect(first.text).toContain('"data":null');
    expect(await send()).toEqual(first);
    expect(charges).toHaveLength(1);
  });
});

/** Executors in this process that charge, and end in ways that are no outcome. */
const endings: Record<string, Execute> = {
  'throws at once': () => {
    charges.push('charge');
    throw new Error('Broken');
  },
  'rejects later': async () => {
    charges.push('charge');
    await Promise.resolve();
    throw new Error('Broken');
  },
  'gives errors without data': () => {
    charges.push('charge');
    return { errors: [] };
  },
  'gives nothing but extensions': () => {
    charges.push('charge');
    return { extensions: { took: 1 } };
  },
};

it.each(Object.entries(endings))('an executor that %s leaves the key in doubt', async (_, execute) => {
  const send = start(execute);
  await send();
  expect((await send()).code).toBe('IDEMPOTENCY_IN_DOUBT');
  expect(charges).toHaveLength(1);
});

it.each(Object.entries(endings))(
  'when an executor %s, `classify` is asked, and is told that nobody knows',
  async (_, execute) => {
    const asked: unknown[] = [];
    const send = start(execute, ({ started, outcome }) => {
      asked.push([started, outcome]);
      return 'release';
    });
    await send();
    await send();
    expect(charges).toHaveLength(2);
    expect(asked).toEqual([
      ['unknown', 'error'],
      ['unknown', 'error'],
    ]);
  },
);

it('a result without data that `classify` stores is given again', async () => {
  const send = start(
    () => {
      charges.push('charge');
      return { errors: [new GraphQLError('Declined')] };
    },
    () => 'store',
  );
  const first = await send();
  expect(first.text).toContain('Declined');
  expect(await send()).toEqual(first);
  expect(charges).toHaveLength(1);
});

it('what was thrown can not be given again: with `classify` that stores it, a retry is told that it ran', async () => {
  const send = start(endings['rejects later'] as Execute, () => 'store');
  await send();
  expect((await send()).code).toBe('IDEMPOTENCY_RESULT_NOT_RETAINED');
  expect(charges).toHaveLength(1);
});

describe('an executor is not called for variables that GraphQL refuses, so the key is free for corrected ones', () => {
  const query = `mutation ($amount: Int!) { pay(amount: $amount) }`;

  it.each<[string, object | undefined]>([
    ['is missing', undefined],
    ['is null', { amount: null }],
    ['has another type', { amount: 'five' }],
    ['is out of range', { amount: 2 ** 40 }],
    ['is a list', { amount: [5, 6] }],
  ])('a variable that %s', async (_, variables) => {
    const send = start(() => {
      charges.push('charge');
      return { data: { pay: 5 } };
    });
    const refused = await send(query, variables);
    expect(refused.text).toMatch(/Variable \\"\$amount\\"/);
    expect(JSON.parse(refused.text)).not.toHaveProperty('data');
    expect(charges).toEqual([]);
    expect(await send(query, { amount: 5 })).toMatchObject({ text: '{"data":{"pay":5}}' });
    expect(charges).toHaveLength(1);
  });
});
