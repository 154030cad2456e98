import type { Run } from '../../server/run/run.ts';
import { Machine } from './machine.ts';
import type { Program } from './program.ts';
import type { Call, Fault, Scenario } from './scenario.ts';
import { ServerModel } from './server-model.ts';
import { Random, World } from './world.ts';

export interface Receipt {
  readonly scope: string;
  readonly key: string;
  readonly amount: number;
  /** The fencing token of the run that made the answer. */
  readonly fence: number;
}

export interface Effect extends Receipt {
  readonly at: number;
  readonly machine: string;
}

/** What a client got for one attempt of its call, or what became of it. */
export interface Answered {
  readonly call: Call;
  readonly at: number;
  readonly machine: string;
  readonly receipt?: Receipt;
  /** The code of an error of ours, or what else was thrown. */
  readonly error?: string;
  /** The fencing token of the run that this attempt made; undefined where the answer is a replay. */
  readonly ran: number | undefined;
  readonly isFinal: boolean;
}

export interface Played {
  readonly scenario: Scenario;
  readonly effects: readonly Effect[];
  /** How often the provider, who knows downstream keys, charged for each of them. */
  readonly charges: ReadonlyMap<string, number>;
  readonly answers: readonly Answered[];
  readonly events: readonly {
    readonly type: string;
    readonly id: string;
    readonly fence?: number;
    readonly reason?: string;
    readonly at: number;
  }[];
  /** Calls on living machines that never ended. */
  readonly hanging: readonly Call[];
  readonly server: ServerModel;
  readonly history: readonly string[];
}

const ATTEMPTS = 8;
/** After the last fault everything works; then each key is asked for until it has an answer that stays. */
const QUIET_AT = 60_000;
const END = 400_000;

/** Plays a scenario, and gives what clients, provider and server saw. The same scenario gives the same, byte for byte. */
export async function play(scenario: Scenario, program: Program): Promise<Played> {
  return new Play(scenario, program).play();
}

class Play {
  readonly #scenario: Scenario;
  readonly #program: Program;
  readonly #world: World;
  readonly #server: ServerModel;
  readonly #machines: Machine[] = [];
  #started = 0;
  readonly #effects: Effect[] = [];
  readonly #charges = new Map<string, { receipt: Receipt; times: number }>();
  readonly #answers: Answered[] = [];
  readonly #events: { type: string; id: string; fence?: number; reason?: string; at: number }[] = [];
  readonly #open = new Map<object, { call: Call; machine: Machine }>();

  constructor(scenario: Scenario, program: Program) {
    this.#scenario = scenario;
    this.#program = program;
    this.#world = new World(scenario.seed);
    const { replicationMs, ttlMs } = scenario;
    this.#server = new ServerModel(this.#world, { replicationMs, ttlMs });
  }

  async play(): Promise<Played> {
    const {
      scenario: { machineClocks, calls, faults },
    } = { scenario: this.#scenario };
    for (const clockMs of machineClocks) this.#machines.push(this.#start(clockMs));
    for (const call of calls)
      this.#world.after(call.at, () => this.#attempt(call, this.#machineOf(call.machine), 1, false));
    for (const fault of faults) this.#world.after(fault.at, () => this.#break(fault));
    this.#world.after(QUIET_AT, () => this.#askForAll());
    await this.#world.run(END);
    const hanging = [...this.#open.values()].filter(({ machine }) => machine.isAlive).map(({ call }) => call);
    return {
      scenario: this.#scenario,
      effects: this.#effects,
      charges: new Map([...this.#charges].map(([key, { times }]) => [key, times])),
      answers: this.#answers,
      events: this.#events,
      hanging,
      server: this.#server,
      history: this.#world.history,
    };
  }

  #start(clockMs: number): Machine {
    const name = `app-${++this.#started}`;
    return new Machine({
      world: this.#world,
      server: this.#server,
      program: this.#program,
      name,
      seed: this.#scenario.seed * 1_000 + this.#started,
      clockMs,
      slowestMs: this.#scenario.slowestMs,
      store: { timeoutMs: this.#scenario.timeoutMs },
      onEvent: ({ type, scope, key, fence, reason }) => {
        this.#events.push({
          ...{ type, id: `${scope}\n${key}`, at: this.#world.now },
          ...(fence !== undefined && { fence }),
          ...(reason !== undefined && { reason }),
        });
        if (type !== 'started')
          this.#world.tell(`${name}: ${type} ${scope}/${key}${fence === undefined ? '' : ` fence ${fence}`}`);
      },
    });
  }

  #machineOf(index: number): Machine {
    return this.#machines[index % this.#machines.length] as Machine;
  }

  #break(fault: Fault): void {
    const { kind } = fault;
    const machine = 'machine' in fault ? this.#machineOf(fault.machine) : undefined;
    this.#world.tell(
      `FAULT ${kind}${machine ? ` of ${machine.name}` : ''} ${JSON.stringify({ ...fault, at: undefined, kind: undefined, machine: undefined })}`,
    );
    switch (fault.kind) {
      case 'kill': {
        machine?.kill();
        const index = fault.machine % this.#machines.length;
        // Something starts it again.
        this.#world.after(1_000, () => {
          this.#machines[index] = this.#start(machine?.clockMs ?? 0);
        });
        return;
      }
      case 'freeze':
        machine?.freeze(fault.ms);
        return;
      case 'link':
        if (machine) machine.link = fault.link;
        this.#world.after(fault.ms, () => {
          if (machine) machine.link = 'up';
        });
        return;
      case 'slow':
        if (machine) machine.slowMs = fault.slowMs;
        this.#world.after(fault.ms, () => {
          if (machine) machine.slowMs = 0;
        });
        return;
      case 'app clock':
        if (machine) machine.clockMs += fault.byMs;
        return;
      case 'server clock':
        this.#server.clockMs += fault.byMs;
        return;
      case 'election':
        this.#server.elect(fault.ms, fault.keepsAll, this.#server.clockMs + fault.clockMs);
        return;
      case 'slow replication':
        this.#server.settings.replicationMs = fault.replicationMs;
        this.#world.after(fault.ms, () => {
          this.#server.settings.replicationMs = this.#scenario.replicationMs;
        });
        return;
      default:
        throw new Error(`No such fault: ${kind}`);
    }
  }

  /** One call for each key, by a client that does not give up soon. */
  #askForAll(): void {
    const asked = new Map(this.#scenario.calls.map((call) => [`${call.scope}\n${call.key}`, call]));
    for (const call of asked.values())
      this.#attempt({ ...call, workMs: 10, releases: false, loss: 0 }, this.#machineOf(0), 1, true);
  }

  #attempt(call: Call, machine: Machine, attempt: number, isFinal: boolean): void {
    const random = new Random(this.#scenario.seed * 7 + call.at * 13 + attempt);
    const again = (why: string) => {
      if (attempt >= ATTEMPTS * (isFinal ? 4 : 1)) return;
      void why;
      this.#world.after(random.between(100, 1_500), () =>
        this.#attempt(call, this.#machineOf(random.between(0, 9)), attempt + 1, isFinal),
      );
    };
    if (!machine.isAlive) {
      again('nobody is there');
      return;
    }
    const token = {};
    this.#open.set(token, { call, machine });
    let ran: number | undefined;
    const { scope, key, amount } = call;
    machine.do(() => {
      const onRun = (fence: number) => {
        ran = fence;
      };
      this.#send(machine, call, onRun).then(
        (receipt) => this.#end(token, { call, machine, random, isFinal, again, ran, receipt }),
        (error) => this.#end(token, { call, machine, random, isFinal, again, ran, error }),
      );
    });
    this.#world.tell(
      `client: sends ${scope}/${key} amount ${amount} to ${machine.name} (attempt ${attempt})`,
    );
    // A connection to a process that has died ends.
    const watch = () => {
      if (!this.#open.has(token)) return;
      if (machine.isAlive) {
        if (this.#world.now < END - 1_000) this.#world.after(500, watch);
        return;
      }
      this.#open.delete(token);
      again('the connection was lost');
    };
    this.#world.after(500, watch);
  }

  #end(
    token: object,
    {
      call,
      machine,
      random,
      isFinal,
      again,
      ran,
      receipt,
      error,
    }: {
      call: Call;
      machine: Machine;
      random: Random;
      isFinal: boolean;
      again: (why: string) => void;
      ran: number | undefined;
      receipt?: Receipt;
      error?: unknown;
    },
  ): void {
    if (!machine.isAlive || !this.#open.delete(token)) return;
    const { code, message, retryable } = (error ?? {}) as {
      code?: string;
      message?: string;
      retryable?: boolean;
    };
    const text = error === undefined ? undefined : (code ?? message ?? String(error));
    this.#answers.push({
      call,
      at: this.#world.now,
      machine: machine.name,
      ran,
      isFinal,
      ...(receipt && { receipt }),
      ...(text !== undefined && { error: text }),
    });
    const isLost = random.chance(call.loss);
    this.#world.tell(
      `client: ${call.scope}/${call.key} amount ${call.amount} ${receipt ? `gets the answer of fence ${receipt.fence}${ran === undefined ? ' (replayed)' : ''}` : `gets ${text}`}${isLost ? ', which is lost' : ''}`,
    );
    if (isLost || retryable === true || code === 'RELEASED') again(text ?? 'the answer was lost');
  }

  #send(machine: Machine, call: Call, onRun: (fence: number) => void): Promise<Receipt> {
    const { scope, key, amount } = call;
    const { mode, policy } = this.#scenario;
    const downstream = mode === 'resolver' || mode === 'steps';
    return machine.idempotency.run(
      { scope, key, operation: 'charge', input: { amount } },
      async (run: Run): Promise<Receipt> => {
        onRun(run.fence);
        const receipt = { scope, key, amount, fence: run.fence };
        this.#world.tell(`${machine.name}: runs ${scope}/${key} fence ${run.fence}`);
        await machine.sleep(call.workMs * call.effectAfter);
        if (call.releases) {
          run.release('nothing happened');
          throw Object.assign(new Error('declined'), { code: 'RELEASED' });
        }
        let answer: Receipt = receipt;
        if (mode === 'steps')
          answer = (await run.step('charge', ({ key }) => this.#charge(machine, key, receipt))) as Receipt;
        else if (run.signal.aborted) throw run.signal.reason;
        else if (downstream) answer = this.#charge(machine, run.downstreamKey('charge'), receipt);
        else this.#effect(machine, receipt);
        await machine.sleep(call.workMs * (1 - call.effectAfter));
        return answer;
      },
      {
        ...policy,
        onCrash: mode === 'retry' || mode === 'steps' ? 'retry' : 'in_doubt',
        ...(mode === 'resolver' && {
          resolve: async (doubt: { downstreamKey(name: string): string }) => {
            await machine.sleep(5);
            const charged = this.#charges.get(doubt.downstreamKey('charge'));
            return charged
              ? { action: 'complete' as const, data: charged.receipt }
              : { action: 'retry' as const };
          },
        }),
      },
    ) as Promise<Receipt>;
  }

  #effect(machine: Machine, receipt: Receipt): void {
    this.#effects.push({ ...receipt, at: this.#world.now, machine: machine.name });
    this.#world.tell(`${machine.name}: EFFECT of ${receipt.scope}/${receipt.key} fence ${receipt.fence}`);
  }

  /** A provider that knows keys: the second charge with one is the first one's answer. */
  #charge(machine: Machine, downstreamKey: string, receipt: Receipt): Receipt {
    const known = this.#charges.get(downstreamKey);
    if (known) return known.receipt;
    this.#charges.set(downstreamKey, { receipt, times: 1 });
    this.#effect(machine, receipt);
    return receipt;
  }
}
