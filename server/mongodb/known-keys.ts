const IDS = 10_000;
const CHARACTERS = 1_000_000;

/**
 * `KnownKeys` remembers the ids that were added lately: the last 10,000 surely, and never more than 20,000. They are kept in two
 * generations, and the older one is dropped when the newer one is full. Ids of UUIDs take about 3 MB together, the longest that there can
 * be 8 MB: long ids fill a generation by their characters.
 */
export class KnownKeys {
  #newer = new Set<string>();
  #older = new Set<string>();
  #characters = 0;

  has(id: string): boolean {
    return this.#newer.has(id) || this.#older.has(id);
  }

  add(id: string): void {
    if (this.#newer.has(id)) return;
    if (this.#newer.size >= IDS || this.#characters >= CHARACTERS) {
      this.#older = this.#newer;
      this.#newer = new Set();
      this.#characters = 0;
    }
    this.#newer.add(id);
    this.#characters += id.length;
  }

  delete(id: string): void {
    if (this.#newer.delete(id)) this.#characters -= id.length;
    this.#older.delete(id);
  }
}
