import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createSchema, createYoga } from 'graphql-yoga';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { argumentsOf, bodyOf, type Sound, soundPair } from './sound-documents.ts';
import type { Target } from './target.ts';
import { wildBody } from './wild-documents.ts';

const yoga = createYoga({
  logging: false,
  schema: createSchema<{ request: Request }>({
    typeDefs: `
      type Query { ok: Boolean }
      type Receipt { id: ID amount: Int note: String self: Receipt }
      type Mutation { pay(amount: Int = 1, note: String): Receipt refund(amount: Int): Receipt! }
    `,
    resolvers: { Mutation: { pay: receiptOf, refund: receiptOf }, Receipt: { self: (receipt) => receipt } },
  }),
  plugins: [
    useIdempotency({
      idempotency: createIdempotency({ store: createMemoryStore() }),
      scope: ({ context }: { context: { request: Request } }) => context.request.headers.get('x-user'),
    }),
  ],
});

let runs = 0;

function receiptOf(
  _: unknown,
  { amount, note }: { amount?: number; note?: string },
  { request }: { request: Request },
) {
  runs++;
  return { id: `${request.headers.get('x-user')}-${runs}`, amount, note };
}

async function send(key: string, user: string, sent: object) {
  const before = runs;
  const response = await yoga.fetch('http://shop/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key, 'x-user': user },
    body: JSON.stringify(sent),
  });
  const answer = await response.text();
  // What is none of ours is masked by Yoga, and is no client's fault.
  assert.ok(response.status < 500 && !answer.includes('Unexpected error'), `${response.status} ${answer}`);
  return { status: response.status, answer, ran: runs > before };
}

let serial = 0;
const reached = { ran: 0, replayed: 0, 'refused for another input': 0, 'refused for another selection': 0 };

interface Sent {
  readonly body: { readonly query: string };
  /** The arguments of what is sent, where they are known. */
  readonly input?: string | undefined;
}

const sentOf = (sound: Sound): Sent => ({ body: bodyOf(sound), input: argumentsOf(sound) });
const wild = wildBody.map((body): Sent => ({ body }));
const pair = fc.oneof(
  { weight: 4, arbitrary: soundPair.map(([one, other]) => [sentOf(one), sentOf(other)] as const) },
  fc.tuple(
    soundPair.map(([one]) => sentOf(one)),
    wild,
  ),
  fc.tuple(wild, wild),
);

/** GraphQL documents: a mutation that ran is replayed byte by byte, to its caller only, and another document never gets its answer. */
export const documents: Target = {
  name: 'documents',
  reached,
  property: fc.asyncProperty(pair, async ([one, other]) => {
    const key = `key-${++serial}`;
    const first = await send(key, 'alice', one.body);
    if (!first.ran) return;
    reached.ran++;
    const again = await send(key, 'alice', one.body);
    assert.deepEqual(again, { ...first, ran: false });
    const bobs = await send(key, 'bob', one.body);
    assert.ok(!bobs.answer.includes('alice'), bobs.answer);
    const changed = await send(key, 'alice', other.body);
    assert.ok(!changed.ran, 'a used key ran again');
    const { data, errors } = JSON.parse(changed.answer);
    for (const name of namesIn(data)) assert.ok(other.body.query.includes(name), `${name} was not asked for`);
    const isReplay = data !== null && data !== undefined && changed.answer === first.answer;
    assert.ok(isReplay || !changed.answer.includes('alice-'), 'a part of another answer');
    const isOther = one.input !== undefined && other.input !== undefined && one.input !== other.input;
    assert.ok(!isOther || !changed.answer.includes('alice-'), 'an answer to other arguments');
    if (isReplay) reached.replayed++;
    const code = errors?.[0]?.extensions?.code;
    if (code === 'IDEMPOTENCY_KEY_REUSED') reached['refused for another input']++;
    if (code === 'IDEMPOTENCY_SELECTION_CHANGED') reached['refused for another selection']++;
  }),
};

/** All names of fields in an answer, at whatever depth. */
function namesIn(data: unknown): readonly string[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([name, value]) => [name, ...namesIn(value)]);
}
