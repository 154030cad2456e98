/** `Random` gives the same numbers for the same seed, on any machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to 1 (mulberry32). */
  next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };

  between(from: number, to: number): number {
    return Math.floor(from + this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)] as T;
  }
}

export interface Appointment {
  readonly at: number;
  readonly order: number;
  isOff: boolean;
  /** What goes on for ever by itself; when nothing else is left to be done, the world ends. */
  readonly isBackground: boolean;
  readonly run: () => void;
}

/** `World` is the time that all machines, the server and the network of a simulation share. Nothing in it waits for real. */
export class World {
  /** True time in ms, which no machine can see: each has a clock of its own. */
  now = 0;
  readonly random: Random;
  /** What happened, for a failure to print. */
  readonly history: string[] = [];
  readonly #appointments: Appointment[] = [];
  #order = 0;
  #foreground = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  tell(text: string): void {
    this.history.push(`${String(Math.round(this.now)).padStart(7)} ms  ${text}`);
  }

  after(ms: number, run: () => void, { isBackground = false } = {}): Appointment {
    const appointment = {
      at: this.now + Math.max(0, ms),
      order: this.#order++,
      isOff: false,
      isBackground,
      run,
    };
    if (!isBackground) this.#foreground++;
    // The soonest is the last of the list, to be taken from it cheaply.
    this.#appointments.splice(this.#placeOf(appointment), 0, appointment);
    return appointment;
  }

  /** Lets time pass until nothing is left to be done, or until `end`. */
  async run(end: number): Promise<void> {
    while (this.#foreground > 0) {
      const next = this.#appointments.pop();
      if (!next || next.at > end) break;
      if (!next.isBackground) this.#foreground--;
      if (next.isOff) continue;
      this.now = Math.max(this.now, next.at);
      next.run();
      await settled();
    }
  }

  #placeOf(appointment: Appointment): number {
    let low = 0;
    let high = this.#appointments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isEarlier(appointment, this.#appointments[middle] as Appointment)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const isEarlier = (one: Appointment, other: Appointment) =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** Resolves when all promises that can go on have gone on. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
