/**
 * A `TestClock` goes on as `Date` does, the machine's or the fake one of a test runner, and can be moved on top of that. It never goes
 * back: a runner's fake `Date` may begin in 1970.
 */
export class TestClock {
  #machineMs = Date.now();
  #nowMs = this.#machineMs;

  readonly now = (): Date => {
    const machineMs = Date.now();
    this.#nowMs += Math.max(0, machineMs - this.#machineMs);
    this.#machineMs = machineMs;
    return new Date(this.#nowMs);
  };

  advance(ms: number): void {
    this.#nowMs = this.now().getTime() + ms;
  }
}
