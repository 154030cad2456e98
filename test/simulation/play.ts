import { type Answered, Clients } from './client.ts';
import { Machine } from './machine.ts';
import type { Program } from './program.ts';
import type { Call, Fault, Scenario } from './scenario.ts';
import { ServerModel } from './server-model.ts';
import { type Effect, Shop } from './shop.ts';
import { World } from './world.ts';

/** An event of the package, as `onEvent` was told it. */
interface Event {
  readonly type: string;
  readonly id: string;
  readonly fence?: number;
  readonly reason?: string;
  readonly at: number;
}

/** What clients, provider, listener and server saw of a scenario. */
export interface Played {
  readonly scenario: Scenario;
  readonly effects: readonly Effect[];
  readonly answers: readonly Answered[];
  readonly events: readonly Event[];
  /** Calls on living machines that never ended. */
  readonly hanging: readonly Call[];
  readonly server: ServerModel;
  readonly history: readonly string[];
}

/** After the last fault everything works; then each key is asked for until it has an answer that stays. */
const QUIET_AT = 60_000;
const END = 400_000;

/** Plays a scenario. The same one gives the same, byte for byte. */
export async function play(scenario: Scenario, program: Program): Promise<Played> {
  const world = new World(scenario.seed);
  const { replicationMs, ttlMs, transactionMs } = scenario;
  const server = new ServerModel(world, { replicationMs, ttlMs, transactionMs });
  const fleet = new Fleet(world, server, scenario, program);
  const shop = new Shop(world, server, scenario);
  const clients = new Clients(world, shop, scenario.seed, (index) => fleet.machineOf(index));
  for (const call of scenario.calls) world.after(call.at, () => clients.send(call));
  for (const fault of scenario.faults) world.after(fault.at, () => fleet.suffer(fault));
  world.after(QUIET_AT, () => {
    const asked = new Map(scenario.calls.map((call) => [`${call.scope}\n${call.key}`, call]));
    for (const call of asked.values())
      clients.send({ ...call, workMs: 10, releases: false, loss: 0 }, { isFinal: true });
  });
  await world.run(END);
  const { effects } = shop;
  const { answers, waiting: hanging } = clients;
  return { scenario, effects, answers, events: fleet.events, hanging, server, history: world.history };
}

/** `Fleet` is the machines that run the shop, with what happens to them and to the server. */
class Fleet {
  readonly events: Event[] = [];
  readonly #world: World;
  readonly #server: ServerModel;
  readonly #scenario: Scenario;
  readonly #program: Program;
  readonly #machines: Machine[];
  #started = 0;

  constructor(world: World, server: ServerModel, scenario: Scenario, program: Program) {
    this.#world = world;
    this.#server = server;
    this.#scenario = scenario;
    this.#program = program;
    this.#machines = scenario.machineClocks.map((clockMs) => this.#start(clockMs));
  }

  machineOf(index: number): Machine {
    return this.#machines[index % this.#machines.length] as Machine;
  }

  suffer(fault: Fault): void {
    const { at, kind, ...terms } = fault;
    const index = 'machine' in fault ? fault.machine % this.#machines.length : 0;
    const machine = this.machineOf(index);
    const name = 'machine' in fault ? ` of ${machine.name}` : '';
    this.#world.tell(`FAULT ${kind}${name} ${JSON.stringify({ ...terms, machine: undefined })}`);
    switch (fault.kind) {
      case 'kill':
        machine.kill();
        // Something starts it again.
        this.#world.after(1_000, () => {
          this.#machines[index] = this.#start(machine.clockMs);
        });
        break;
      case 'freeze':
        machine.freeze(fault.ms);
        break;
      case 'link':
        machine.link = fault.link;
        this.#world.after(fault.ms, () => {
          machine.link = 'up';
        });
        break;
      case 'slow':
        machine.slowMs = fault.slowMs;
        this.#world.after(fault.ms, () => {
          machine.slowMs = 0;
        });
        break;
      case 'app clock':
        machine.clockMs += fault.byMs;
        break;
      case 'server clock':
        this.#server.clockMs += fault.byMs;
        break;
      case 'dropped index':
        this.#server.hasLock = false;
        break;
      case 'election':
        this.#server.elect(fault.ms, fault.keepsAll, this.#server.clockMs + fault.clockMs);
        break;
      case 'slow replication':
        this.#server.settings.replicationMs = fault.replicationMs;
        this.#world.after(fault.ms, () => {
          this.#server.settings.replicationMs = this.#scenario.replicationMs;
        });
        break;
      default:
        fault satisfies never;
    }
  }

  #start(clockMs: number): Machine {
    const name = `app-${++this.#started}`;
    const { seed, slowestMs, timeoutMs } = this.#scenario;
    return new Machine({
      ...{ world: this.#world, server: this.#server, program: this.#program, name, clockMs, slowestMs },
      seed: seed * 1_000 + this.#started,
      store: { timeoutMs },
      onEvent: ({ type, scope, key, fence, reason }) => {
        this.events.push({
          ...{ type, id: `${scope}\n${key}`, at: this.#world.now },
          ...(fence !== undefined && { fence }),
          ...(reason !== undefined && { reason }),
        });
        if (type !== 'started')
          this.#world.tell(`${name}: ${type} ${scope}/${key}${fence === undefined ? '' : ` fence ${fence}`}`);
      },
    });
  }
}
