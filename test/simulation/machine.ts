import type { Idempotency } from '../../server/idempotency.ts';
import type { Database } from '../../server/mongodb/database.ts';
import type { Doc } from './evaluate.ts';
import { ModelClient } from './model-session.ts';
import type { Program, Surroundings } from './program.ts';
import { networkError } from './server-error.ts';
import type { ServerModel } from './server-model.ts';
import { type Appointment, Random, type World } from './world.ts';

/** `lossy`: each message may be lost. `deaf`: requests arrive, replies do not. `cut`: nothing passes. */
export type Link = 'up' | 'lossy' | 'deaf' | 'cut';

export interface MachineOptions {
  readonly world: World;
  readonly server: ServerModel;
  readonly program: Program;
  readonly name: string;
  readonly seed: number;
  /** Its wall clock is so many ms ahead of true time. */
  readonly clockMs: number;
  readonly slowestMs: number;
  readonly store: { readonly timeoutMs: number };
  onEvent(event: {
    readonly type: string;
    readonly scope: string;
    readonly key: string;
    readonly fence?: number;
    readonly reason?: string;
  }): void;
}

/** An app process with a copy of the package, a clock, and a connection to the server. It can be frozen, killed and cut off. */
export class Machine {
  readonly name: string;
  readonly idempotency: Idempotency;
  /** What its program has of the driver. */
  readonly db: Database;
  link: Link = 'up';
  clockMs: number;
  isAlive = true;
  /** Messages of this machine take up to so many ms longer, each for itself: one may overtake another. */
  slowMs = 0;
  readonly #world: World;
  readonly #server: ServerModel;
  readonly #random: Random;
  readonly #slowestMs: number;
  readonly #fewest: number;
  #frozenUntil = 0;
  #held: (() => void)[] = [];

  constructor({ world, server, program, name, seed, clockMs, slowestMs, store, onEvent }: MachineOptions) {
    this.#slowestMs = slowestMs;
    this.name = name;
    this.clockMs = clockMs;
    this.#world = world;
    this.#server = server;
    this.#random = new Random(seed);
    this.#fewest = this.#random.chance(0.7) ? 1 : 4;
    const { createIdempotency, createMongoStore } = program(this.#surroundings());
    const client = new ModelClient(name, (command, options) => this.#send(command, options));
    const db = { ...client.db('app'), client };
    this.db = db;
    // The server is set up as it has to be: what checks that at the start is not simulated. The lock is made again when it is lost.
    const simulated = Object.assign(createMongoStore({ db, ...store }), { ready: () => this.#makeLock() });
    this.idempotency = createIdempotency({ store: simulated, onEvent });
  }

  /** Does something on this machine as soon as it can: a frozen one does it afterwards, a dead one never. */
  do(work: () => void): void {
    if (!this.isAlive) return;
    if (this.#world.now < this.#frozenUntil) this.#held.push(work);
    else work();
  }

  kill(): void {
    this.isAlive = false;
    this.#held = [];
  }

  freeze(ms: number): void {
    const until = this.#world.now + ms;
    if (until <= this.#frozenUntil) return;
    this.#frozenUntil = until;
    this.#world.after(ms, () => this.#thaw());
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#timer(ms, resolve));
  }

  #thaw(): void {
    if (this.#world.now < this.#frozenUntil) return;
    // One after the other, each with what follows from it.
    for (const work of this.#held.splice(0)) this.#world.after(0, () => this.do(work));
  }

  #timer(ms: number, work: () => void): Appointment {
    const appointment: Appointment = this.#world.after(ms, () =>
      this.do(() => {
        if (!appointment.isOff) work();
      }),
    );
    return appointment;
  }

  #send(command: Doc, { signal }: { signal?: AbortSignal } = {}): Promise<Doc> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(networkError('connection closed'));
        return;
      }
      signal?.addEventListener('abort', () => reject(networkError('connection closed')), { once: true });
      if (!this.#passes('request')) return;
      this.#world.after(this.#delay(), () => {
        if (this.link === 'cut') return;
        const answer = (give: () => void) => {
          if (!this.isAlive || !this.#passes('reply')) return;
          this.#world.after(this.#delay(), () => this.do(give));
        };
        this.#server.command(command).then(
          (reply) => answer(() => resolve(reply)),
          (error) => answer(() => reject(error)),
        );
      });
    });
  }

  async #makeLock(): Promise<void> {
    while (!this.#server.hasLock) {
      const made = this.#send({ createIndexes: 'idempotency_keys' }).catch(() => {});
      await Promise.race([made, this.sleep(200)]);
    }
  }

  #passes(message: 'request' | 'reply'): boolean {
    if (this.link === 'cut' || (this.link === 'deaf' && message === 'reply')) return false;
    return this.link !== 'lossy' || !this.#world.random.chance(0.3);
  }

  #delay(): number {
    const { random } = this.#world;
    return (
      random.between(1, 5) +
      (random.chance(0.02) ? random.between(0, this.#slowestMs) : 0) +
      random.between(0, this.slowMs)
    );
  }

  #surroundings(): Surroundings {
    const world = this.#world;
    const random = this.#random;
    const wall = () => 1_767_225_600_000 + Math.floor(world.now) + this.clockMs;
    const MachineDate = class extends Date {
      constructor(...given: [] | [number]) {
        super(given.length === 0 ? wall() : (given[0] as number));
      }
      static override now = wall;
      static override [Symbol.hasInstance](value: unknown): boolean {
        return Object.prototype.toString.call(value) === '[object Date]';
      }
    };
    const timer = (work: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
      // At least 1 ms, as a timer of Node.js takes.
      const appointment = this.#timer(Math.max(1, Math.ceil(ms)), () => work(...given));
      return { appointment, unref: () => timerOf(appointment), ref: () => timerOf(appointment) };
    };
    return {
      setTimeout: timer,
      clearTimeout(timer: { appointment: Appointment } | undefined) {
        if (timer) timer.appointment.isOff = true;
      },
      performance: { now: () => world.now },
      FEWEST: this.#fewest,
      Date: MachineDate as unknown as DateConstructor,
      Math: Object.defineProperties(Object.create(null), {
        ...Object.getOwnPropertyDescriptors(Math),
        random: { value: random.next },
      }),
      randomUUID: () => `${this.name}-${Math.floor(random.next() * 2 ** 32).toString(16)}`,
      pause: (ms, value, { signal } = {}) =>
        new Promise((resolve, reject) => {
          const appointment = this.#timer(ms, () => resolve(value));
          const onAbort = () => {
            appointment.isOff = true;
            reject(signal?.reason);
          };
          if (signal?.aborted) onAbort();
          else signal?.addEventListener('abort', onAbort, { once: true });
        }),
    };
  }
}

function timerOf(appointment: Appointment): { appointment: Appointment; unref(): unknown; ref(): unknown } {
  return { appointment, unref: () => timerOf(appointment), ref: () => timerOf(appointment) };
}
