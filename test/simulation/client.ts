import type { Receipt } from '../history/history.ts';
import type { Machine } from './machine.ts';
import type { Call } from './scenario.ts';
import type { Shop } from './shop.ts';
import { Random, type World } from './world.ts';

/** What a client got for one attempt of its call. */
export interface Answered {
  readonly call: Call;
  /** The attempt was sent at this time. */
  readonly sentAt: number;
  readonly at: number;
  readonly machine: string;
  readonly receipt?: Receipt;
  /** The code of an error of ours, or what else was thrown. */
  readonly error?: string;
  /** The fencing token of the run that this attempt made; undefined where the answer is a replay. */
  readonly ran: number | undefined;
  /** The client asked when everything worked again. */
  readonly isFinal: boolean;
}

interface Attempt {
  readonly call: Call;
  readonly machine: Machine;
  readonly number: number;
  readonly isFinal: boolean;
  readonly sentAt: number;
}

type Ended = { readonly ran: number | undefined; readonly receipt?: Receipt; readonly error?: unknown };

const ATTEMPTS = 8;
const WATCH_MS = 500;

/** `Clients` send calls, lose answers, and retry with the same key on whatever machine there is. */
export class Clients {
  readonly answers: Answered[] = [];
  readonly #world: World;
  readonly #shop: Shop;
  readonly #seed: number;
  readonly #machineOf: (index: number) => Machine;
  readonly #open = new Set<Attempt>();

  constructor(world: World, shop: Shop, seed: number, machineOf: (index: number) => Machine) {
    this.#world = world;
    this.#shop = shop;
    this.#seed = seed;
    this.#machineOf = machineOf;
  }

  /** The calls on living machines that have not ended. */
  get waiting(): Call[] {
    return [...this.#open].filter(({ machine }) => machine.isAlive).map(({ call }) => call);
  }

  /** @param isFinal a client that does not give up soon */
  send(call: Call, { isFinal = false } = {}): void {
    const machine = this.#machineOf(isFinal ? 0 : call.machine);
    this.#send({ call, machine, number: 1, isFinal, sentAt: this.#world.now });
  }

  #send(attempt: Attempt): void {
    const { call, machine, number } = attempt;
    const random = new Random(this.#seed * 7 + call.at * 13 + number);
    if (!machine.isAlive) {
      this.#retry(attempt, random);
      return;
    }
    this.#open.add(attempt);
    machine.do(() => {
      let ran: number | undefined;
      const paid = this.#shop.pay(machine, call, (fence) => {
        ran = fence;
      });
      paid.then(
        (receipt) => this.#end(attempt, random, { ran, receipt }),
        (error) => this.#end(attempt, random, { ran, error }),
      );
    });
    this.#world.tell(
      `client: sends ${call.scope}/${call.key} amount ${call.amount} to ${machine.name} (attempt ${number})`,
    );
    this.#watch(attempt, random);
  }

  /** A connection to a process that has died ends. */
  #watch(attempt: Attempt, random: Random): void {
    const look = () => {
      if (!this.#open.has(attempt)) return;
      if (attempt.machine.isAlive) this.#watch(attempt, random);
      else if (this.#open.delete(attempt)) this.#retry(attempt, random);
    };
    this.#world.after(WATCH_MS, look);
  }

  #retry({ call, number, isFinal }: Attempt, random: Random): void {
    if (number >= ATTEMPTS * (isFinal ? 4 : 1)) return;
    this.#world.after(random.between(100, 1_500), () =>
      this.#send({
        ...{ call, machine: this.#machineOf(random.between(0, 9)), number: number + 1, isFinal },
        sentAt: this.#world.now,
      }),
    );
  }

  #end(attempt: Attempt, random: Random, { ran, receipt, error }: Ended): void {
    const { call, machine, isFinal, sentAt } = attempt;
    if (!machine.isAlive || !this.#open.delete(attempt)) return;
    const { code, message, retryable } = (error ?? {}) as Partial<
      Error & { code: string; retryable: boolean }
    >;
    const text = error === undefined ? undefined : (code ?? message ?? String(error));
    this.answers.push({
      ...{ call, sentAt, at: this.#world.now, machine: machine.name, ran, isFinal },
      ...(receipt && { receipt }),
      ...(text !== undefined && { error: text }),
    });
    const isLost = random.chance(call.loss);
    const got = receipt
      ? `the answer of fence ${receipt.fence}${ran === undefined ? ' (replayed)' : ''}`
      : text;
    this.#world.tell(
      `client: ${call.scope}/${call.key} amount ${call.amount} gets ${got}${isLost ? ', which is lost' : ''}`,
    );
    if (isLost || retryable === true || code === 'RELEASED') this.#retry(attempt, random);
  }
}
