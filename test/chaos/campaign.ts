import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { type Violation, violations } from '../history/promises.ts';
import { startWorker, type WorkerProcess } from '../support/worker.ts';
import type { ClientCommand, ClientMessage, ClientOptions } from './client-worker.ts';
import { now } from './clock.ts';
import { Cluster } from './cluster.ts';
import { Disturbances } from './disturbances.ts';
import { FakeTime } from './fake-time.ts';
import { type Fault, type FaultKind, faultPlan } from './fault-plan.ts';
import { Fleet } from './fleet.ts';
import { Injector } from './injector.ts';
import type { Mode } from './order.ts';
import { startProvider } from './provider.ts';
import { RecordStream } from './record-stream.ts';
import { Recorder } from './recorder.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly apps: number;
  readonly clients: number;
  /** So many requests of each client process are under way at a time. */
  readonly concurrency: number;
  readonly modes: readonly Mode[];
  readonly leaseMs: number;
  readonly unresolvedRetentionMs?: number;
  readonly kinds?: readonly FaultKind[];
  /** JavaScript of the app in place of what is made of the sources. */
  readonly program?: string;
  /** Clocks are set, where this machine has libfaketime. */
  readonly setsClocks: boolean;
  /** It ends as soon as a promise is seen to be broken. */
  readonly untilBroken?: boolean;
  readonly signal: AbortSignal;
  onPlan?(plan: readonly Fault[], hasFakeTime: boolean): void;
  onProgress?(seconds: number, so: Standing): void;
  onPhase?(phase: string): void;
}

/** What a campaign has come to. */
export interface Standing {
  readonly recorder: Recorder;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly violations: readonly Violation[];
}

/**
 * A check while clients go on does not ask these: nobody has asked again yet, attempts under way may have another input, and the ledger
 * is read at the end.
 */
const LATER = new Set([
  'no key is stuck',
  'KEY_REUSED is said only where another input used the key',
  'effect and answer of a transaction are one commit',
]);
const PROGRESS_S = 60;
const LOOK_MS = 5_000;
/** A key of which nothing was heard for so long is complete, as far as it goes. */
const QUIET_MS = 15_000;
const SLOW_MS = 300;

/** Runs a real cluster, real servers and real clients under the faults of a seed, and checks the history of each key. */
export async function runCampaign(options: CampaignOptions): Promise<Standing> {
  const { seed, seconds, leaseMs, signal } = options;
  await using closing = new Closing();
  const fakeTime = closing.use(options.setsClocks ? await FakeTime.find() : undefined);
  const plan = faultPlan({ ...options, seed, seconds });
  options.onPlan?.(plan, fakeTime !== undefined);

  const cluster = closing.use(await Cluster.start(fakeTime));
  const client = new MongoClient(cluster.uri, { socketTimeoutMS: 5_000, serverSelectionTimeoutMS: 10_000 });
  closing.use({ [Symbol.asyncDispose]: () => client.close() });
  const db = client.db('chaos');
  await db.createCollection('ledger');
  await db.collection<{ _id: number }>('accounts').insertMany([0, 1, 2, 3].map((_id) => ({ _id })));

  const disturbances = new Disturbances();
  const recorder = new Recorder(disturbances, leaseMs);
  const provider = closing.use(await startProvider((effect) => recorder.effect(effect)));
  const stream = closing.use(new RecordStream(db, (change) => recorder.written(change)));
  await stream.caughtUp();

  const fleet = closing.use(
    await Fleet.start(cluster, fakeTime, {
      size: options.apps,
      app: {
        ...{ database: 'chaos', provider: provider.url },
        policy: {
          leaseMs,
          ...(options.unresolvedRetentionMs !== undefined && {
            unresolvedRetentionMs: options.unresolvedRetentionMs,
          }),
        },
      },
      ...(options.program !== undefined && { program: options.program }),
      onMessage: (name, pid, message) => recorder.app(name, pid, message),
    }),
  );
  const crowd = closing.use(
    await Crowd.start(options, (message) => {
      if (typeof message === 'object') recorder.attempt(message);
    }),
  );
  crowd.tell({ apps: fleet.addresses });
  const watch = closing.use(new Watch(stream, disturbances));
  const injector = new Injector({
    ...{ cluster, fleet, disturbances },
    onApps: () => fleet.addresses.length > 0 && crowd.tell({ apps: fleet.addresses }),
    onClocksSet: () => {
      recorder.clocksSetAt = Math.min(recorder.clocksSetAt, now() - leaseMs);
    },
  });

  // What a fault has begun is over before what it is done to is closed.
  closing.use({ [Symbol.asyncDispose]: () => injector.over() });

  const check = (quietSince?: number) => {
    const histories = recorder.keys(quietSince).map((key) => recorder.historyOf(key));
    return violations(histories, quietSince === undefined ? undefined : LATER);
  };
  const standing = (found: readonly Violation[]): Standing => ({
    ...{ recorder, faults: injector.done, violations: found },
  });

  options.onPhase?.('the faults begin');
  const startedAt = now();
  const waiting = [...plan];
  let lookAt = LOOK_MS;
  let tellAt = PROGRESS_S * 1_000;
  for (let at = 0; at < seconds * 1_000 && !signal.aborted; at = now() - startedAt) {
    while (waiting[0] && waiting[0].at <= at) injector.inflict(waiting.shift() as Fault);
    if (options.untilBroken && at >= lookAt) {
      const found = check(now() - QUIET_MS);
      if (found.length > 0) return standing(found);
      lookAt = at + LOOK_MS;
    }
    if (at >= tellAt) {
      options.onProgress?.(Math.round(at / 1_000), standing(check(now() - QUIET_MS)));
      tellAt += PROGRESS_S * 1_000;
    }
    await sleep(50);
  }
  signal.throwIfAborted();

  options.onPhase?.('no new keys');
  await crowd.all('stop', 'stopped', signal);
  await injector.over();
  options.onPhase?.('the set heals');
  await cluster.heal();
  options.onPhase?.('each key is asked for once more');
  await crowd.all('ask again', 'asked again', signal);
  options.onPhase?.('the histories are checked');
  await watch[Symbol.asyncDispose]();
  await stream.caughtUp();
  for (const row of await db
    .collection('ledger')
    .find({}, { readConcern: { level: 'majority' } })
    .toArray())
    recorder.booked(row as never);
  return standing(check());
}

/** The client processes. */
class Crowd implements AsyncDisposable {
  readonly #clients: WorkerProcess[] = [];
  readonly #said = new Map<WorkerProcess, Set<ClientMessage>>();

  static async start(
    { clients, seed, modes, concurrency, leaseMs }: CampaignOptions,
    onMessage: (message: ClientMessage) => void,
  ): Promise<Crowd> {
    const crowd = new Crowd();
    for (let i = 1; i <= clients; i++) {
      const options: ClientOptions = { name: `c${i}`, seed: seed * 100 + i, modes, concurrency, leaseMs };
      const client = await startWorker(new URL('./client-worker.ts', import.meta.url), {
        args: [JSON.stringify(options)],
      });
      crowd.#clients.push(client);
      crowd.#said.set(client, new Set());
      void crowd.#listen(client, onMessage);
    }
    return crowd;
  }

  tell(command: ClientCommand): void {
    for (const client of this.#clients) client.send(command);
  }

  /** Sends a command, and resolves when all have said that they are done. */
  async all(command: ClientCommand, done: ClientMessage, signal: AbortSignal): Promise<void> {
    this.tell(command);
    while (this.#clients.some((client) => !this.#said.get(client)?.has(done))) {
      signal.throwIfAborted();
      await sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
  }

  async #listen(client: WorkerProcess, onMessage: (message: ClientMessage) => void): Promise<void> {
    for (;;) {
      const message = await client.next<ClientMessage>().catch(() => undefined);
      if (message === undefined) return;
      if (typeof message === 'string') this.#said.get(client)?.add(message);
      onMessage(message);
    }
  }
}

/** `Watch` measures when no majority could be reached, and when this process, which holds the proxies, did not get to run. */
class Watch implements AsyncDisposable {
  #isOver = false;
  readonly #watching: Promise<unknown>;

  constructor(stream: RecordStream, disturbances: Disturbances) {
    this.#watching = Promise.all([
      this.#measure('cluster away', disturbances, () => stream.mark().catch(() => undefined)),
      this.#measure('network stalled', disturbances, () => sleep(20)),
    ]);
  }

  async #measure(kind: string, disturbances: Disturbances, work: () => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      const away = { kind, from: now(), until: Number.POSITIVE_INFINITY };
      await work();
      away.until = now();
      if (away.until - away.from > SLOW_MS) disturbances.add(away);
      await sleep(250);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }
}

/** Closes what was opened, the last first, whatever happens. */
class Closing implements AsyncDisposable {
  readonly #open: AsyncDisposable[] = [];

  use<T extends AsyncDisposable | undefined>(one: T): T {
    if (one) this.#open.push(one);
    return one;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#open.reverse())
      try {
        await one[Symbol.asyncDispose]();
      } catch (error) {
        console.error('Could not clean up:', error);
      }
  }
}
