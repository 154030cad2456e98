/** Lets in what weighs no more than a budget together, in the order of asking. What weighs more than all of it goes alone. */
export class ByteBudget {
  readonly #bytes: number;
  #used = 0;
  readonly #waiting: { readonly bytes: number; enter(): void }[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  async spend<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (bytes === 0) return work();
    if (this.#waiting.length > 0 || !this.#hasRoomFor(bytes)) {
      await new Promise<void>((enter) => this.#waiting.push({ bytes, enter }));
    } else {
      this.#used += bytes;
    }
    try {
      return await work();
    } finally {
      this.#used -= bytes;
      this.#admit();
    }
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#bytes;
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && this.#hasRoomFor(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#used += next.bytes;
      next.enter();
    }
  }
}
