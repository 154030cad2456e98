import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';

/** Above this load before it, and above this many cores that others used during it, a run is said to be noisy. */
const NOISY_LOAD = 1.5;
const NOISY_CORES = 0.2;

/** Linux counts CPU time in hundredths of a second. */
const MICROS_OF_A_TICK = 10_000;

export interface MachineReport {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
  /** Other processes used so many cores meanwhile; undefined where the system does not tell (it has no /proc). */
  readonly coresOfOthers: number | undefined;
  readonly noisy: boolean;
}

/** Watches what else runs on this machine. The load after a run is the run's own, so CPU of others is what counts. */
export class Machine {
  readonly #loadBefore: number;
  readonly #own = new Set<number>([process.pid]);
  #from: Reading | undefined;
  /** CPU of our processes that have ended since. */
  #ended = 0;

  private constructor(loadBefore: number) {
    this.#loadBefore = loadBefore;
  }

  /** @param loadBefore of a command that runs several parts, before the first of them */
  static async watch(loadBefore = currentLoad()): Promise<Machine> {
    const machine = new Machine(loadBefore);
    machine.#from = await machine.#read();
    return machine;
  }

  /** This process is one of ours: what it does from now on is not noise. */
  async own(pid: number | undefined): Promise<void> {
    if (pid === undefined) return;
    this.#own.add(pid);
    this.#ended -= (await microsOfProcess(pid)) ?? 0;
  }

  /** A process of ours is about to end. */
  async disown(pid: number | undefined): Promise<void> {
    if (pid === undefined) return;
    this.#ended += (await microsOfProcess(pid)) ?? 0;
    this.#own.delete(pid);
  }

  async report(): Promise<MachineReport> {
    const from = this.#from;
    const to = await this.#read();
    const others =
      from && to
        ? Math.max(0, to.busy - from.busy - (to.own - from.own)) / ((to.at - from.at) * 1_000)
        : undefined;
    return {
      node: process.version,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      loadBefore: this.#loadBefore,
      loadAfter: currentLoad(),
      coresOfOthers: others === undefined ? undefined : Number(others.toFixed(2)),
      noisy: this.#loadBefore > NOISY_LOAD || (others ?? 0) > NOISY_CORES,
    };
  }

  async #read(): Promise<Reading | undefined> {
    const busy = await busyMicros();
    if (busy === undefined) return undefined;
    let own = this.#ended;
    for (const pid of this.#own) own += (await microsOfProcess(pid)) ?? 0;
    return { at: performance.now(), busy, own };
  }
}

interface Reading {
  readonly at: number;
  readonly busy: number;
  readonly own: number;
}

export const currentLoad = () => Number(loadavg()[0]?.toFixed(2));

/** CPU time of all processes of the machine, and time that a host of it took away. */
async function busyMicros(): Promise<number | undefined> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => undefined);
  const line = text?.split('\n', 1)[0];
  if (line === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + steal) * MICROS_OF_A_TICK;
}

/** CPU time of one process; undefined when it is gone, or the system does not tell. */
export async function microsOfProcess(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name, in parentheses, may hold spaces.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (!fields) return undefined;
  return (Number(fields[11]) + Number(fields[12])) * MICROS_OF_A_TICK;
}
