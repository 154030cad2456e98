import { setTimeout as sleep } from 'node:timers/promises';
import { createIdempotentFetch } from '../../plugin/client/fetch.ts';
import { Random } from '../simulation/world.ts';
import { now } from './clock.ts';
import { type Item, type Mode, type Plan, type Shop, shopOf } from './order.ts';
import { type Api, type ItemAnswer, requestOf } from './requests.ts';

export interface ClientOptions {
  readonly name: string;
  readonly seed: number;
  readonly modes: readonly Mode[];
  /** So many requests are under way at a time. */
  readonly concurrency: number;
  readonly leaseMs: number;
}

export interface AppAddress {
  readonly name: string;
  readonly urls: Readonly<Record<Shop, string>>;
}

/** What the parent says: which apps there are, that there are no more new keys, and that each key is to be asked for once more. */
export type ClientCommand = { readonly apps: readonly AppAddress[] } | 'stop' | 'ask again';

/** What a client process tells of each attempt when it is over, and when a command is done. */
export type ClientMessage = AttemptMessage | 'stopped' | 'asked again';

export interface AttemptMessage {
  readonly attempt: string;
  readonly mode: Mode;
  readonly app: string;
  readonly sentAt: number;
  readonly at: number;
  readonly isFinal: boolean;
  readonly items: readonly (Item & Pick<ItemAnswer, 'receipt' | 'text' | 'error'>)[];
  /** `none`: the connection broke, or the client hung up. `hangs`: nothing came for longer than any call takes. */
  readonly end: 'answered' | 'lost' | 'none' | 'hangs';
  readonly replayed: boolean;
}

interface Order {
  readonly mode: Mode;
  readonly api: Api;
  readonly items: readonly Item[];
  readonly plan: Omit<Plan, 'attempt'>;
  /** Each answer is lost on its way with this probability. */
  readonly loss: number;
  /** The client hangs up after so long. */
  readonly patienceMs: number;
}

/** Longer than any call of a living process takes. */
const HANGS_MS = 90_000;
/** A key that has no answer after so long is stuck. */
const FINAL_MS = 120_000;
const { name, seed, modes, concurrency, leaseMs } = JSON.parse(process.argv[2] ?? '') as ClientOptions;
const random = new Random(seed);
const tell = (message: ClientMessage) => void (process.connected && process.send?.(message));

let apps: readonly AppAddress[] = [];
let isStopping = false;
let attempts = 0;
let keys = 0;
const orders: Order[] = [];

process.on('disconnect', () => process.exit());
process.on('message', (command: ClientCommand) => {
  if (command === 'stop') isStopping = true;
  else if (command === 'ask again') void askAgain();
  else apps = command.apps;
});

function drawOrder(): Order {
  const mode = random.pick(modes);
  const count = mode === 'fields' || mode === 'batch' ? random.between(2, 3) : 1;
  const scope = random.chance(0.85) ? 'alice' : 'bob';
  const items = Array.from({ length: count }, () => ({
    ...{ scope, key: `${name}-${++keys}` },
    amount: random.between(1, 9),
  }));
  const isKeptLong = mode === 'resolver' || mode === 'steps';
  return {
    ...{ mode, items },
    api: random.pick<Api>(['GraphQL', 'tRPC', 'HTTP']),
    plan: {
      workMs: random.chance(0.12)
        ? random.between(leaseMs, leaseMs * 2)
        : random.between(0, random.pick([5, leaseMs / 4])),
      effectAfter: random.next(),
      releases: random.chance(0.06),
      ...(!isKeptLong && random.chance(0.1) && { retentionMs: random.between(1_500, 4_000) }),
    },
    loss: random.chance(0.3) ? 0.5 : 0,
    patienceMs: random.chance(0.2) ? random.between(500, leaseMs * 2) : HANGS_MS,
  };
}

/** Sends orders one after the other, some of them twice at a time, or again later, or with another input or for another user. */
async function work(): Promise<void> {
  while (!isStopping) {
    const order = drawOrder();
    orders.push(order);
    const twins = random.chance(0.35)
      ? Array.from({ length: random.between(1, 2) }, () => twinOf(order))
      : [];
    await Promise.all([order, ...twins].map((one) => insist(one)));
    if (random.chance(0.25)) await insist({ ...order, loss: 0 });
    await sleep(random.between(20, 200));
  }
}

function twinOf(order: Order): Order {
  const change = random.next();
  if (change > 0.3) return order;
  const items = order.items.map((item) =>
    change < 0.15 ? { ...item, amount: item.amount + 10 } : { ...item, scope: 'carol' },
  );
  const twin = { ...order, items };
  if (change >= 0.15) orders.push(twin);
  return twin;
}

/** Retries as our clients do, by the fetch of `latchkey/client/fetch` where one key is for the whole request. */
async function insist(order: Order, isFinal = false): Promise<void> {
  const isKeyed = order.items.length === 1;
  const retries = isFinal ? 3 : random.between(0, 6);
  const delayMs = () => (isFinal ? 500 : random.between(50, 1_000));
  const rounds = isKeyed ? random.between(1, 2) : retries + 1;
  const giveUpAt = now() + FINAL_MS;
  for (let round = 1; isFinal ? now() < giveUpAt : round <= rounds; round++) {
    let ends: readonly ItemAnswer[] = [];
    const recording = (async (_: unknown, init?: RequestInit) => {
      const { response, answers } = await attempt(order, new Headers(init?.headers), isFinal);
      ends = answers;
      return response;
    }) as typeof fetch;
    const send = isKeyed
      ? createIdempotentFetch(recording, { retries, delayMs, maxElapsedMs: 60_000 })
      : recording;
    await send('http://shop/', {
      method: 'POST',
      headers: requestOf(order.mode, order.api, order.items).headers,
    }).catch(() => undefined);
    const isDone = ends.length > 0 && ends.every((end) => end.receipt || end.retryable === false);
    if (isDone || (isStopping && !isFinal)) return;
    await sleep(delayMs());
  }
}

/** Sends a request once, to whichever app, and tells what came of it. @throws where the client gets no answer */
async function attempt(order: Order, headers: Headers, isFinal: boolean) {
  const { mode, api, items, plan, loss, patienceMs } = order;
  const app = random.pick(apps);
  const id = `${name}:${++attempts}`;
  const request = requestOf(mode, api, items);
  headers.set('content-type', 'application/json');
  headers.set('x-user', items[0]?.scope ?? '');
  headers.set('x-mode', JSON.stringify({ ...plan, attempt: id }));
  const sentAt = now();
  const over = (
    end: AttemptMessage['end'],
    { answers = [], replayed = false }: { answers?: readonly ItemAnswer[]; replayed?: boolean } = {},
  ) => {
    const told = items.map((item, index) => ({ ...item, ...answers[index] }));
    tell({ attempt: id, mode, app: app.name, sentAt, at: now(), isFinal, items: told, end, replayed });
  };
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${app.urls[shopOf(mode)]}${request.path}`, {
      method: 'POST',
      headers,
      body: request.body,
      signal: AbortSignal.timeout(patienceMs),
    });
    text = await response.clone().text();
  } catch (error) {
    const isHanging = (error as Error).name === 'TimeoutError' && patienceMs === HANGS_MS;
    over(isHanging ? 'hangs' : 'none');
    throw new TypeError('fetch failed', { cause: error });
  }
  const answers =
    text.startsWith('{') || text.startsWith('[') ? request.read(text) : items.map(() => ({ error: text }));
  const isLost = random.chance(loss);
  over(isLost ? 'lost' : 'answered', {
    answers,
    replayed: response.headers.get('idempotent-replayed') === 'true',
  });
  if (isLost) throw new TypeError('fetch failed', { cause: new Error('the answer was lost') });
  return { response, answers };
}

/** Asks for each key once more, when everything works again. */
async function askAgain(): Promise<void> {
  const left = [...orders];
  await Promise.all(
    Array.from({ length: concurrency * 2 }, async () => {
      for (let order = left.pop(); order; order = left.pop()) {
        const plan = { ...order.plan, workMs: 5, releases: false };
        await insist({ ...order, plan, loss: 0, patienceMs: HANGS_MS }, true);
      }
    }),
  );
  tell('asked again');
}

process.send?.('ready');
while (apps.length === 0) await sleep(10);
await Promise.all(Array.from({ length: concurrency }, work));
tell('stopped');
