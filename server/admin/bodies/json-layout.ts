/** Values nested deeper than this stay on one line: what is shown does not grow with how deep a client nests. */
const INDENTED_LEVELS = 12;

/** Collects the text of a view, with a line for each field and each item. */
export class JsonLayout {
  readonly #isOneLine: boolean;
  readonly #out: string[] = [];
  #length = 0;

  /** @param isOneLine whether all of the view is on one line, as in a text that holds JSON */
  constructor(isOneLine: boolean) {
    this.#isOneLine = isOneLine;
  }

  get isEmpty(): boolean {
    return this.#out.length === 0;
  }

  /** The length is the number of UTF-16 units so far. */
  get length(): number {
    return this.#length;
  }

  get text(): string {
    return this.#out.join('');
  }

  add(text: string): void {
    this.#out.push(text);
    this.#length += text.length;
  }

  addColon(depth: number): void {
    this.add(this.#isFlatAt(depth) ? ':' : ': ');
  }

  /** Begins the line of a field or an item in a value that is nested so deep. */
  beginLine(depth: number): void {
    if (!this.#isFlatAt(depth)) this.#newLine(depth);
  }

  /** Begins the line on which a value that is nested so deep, and is not empty, ends. */
  beginLastLine(depth: number): void {
    if (!this.#isFlatAt(depth)) this.#newLine(depth - 1);
  }

  #newLine(indent: number): void {
    this.add(`\n${'  '.repeat(indent)}`);
  }

  #isFlatAt(depth: number): boolean {
    return this.#isOneLine || depth > INDENTED_LEVELS;
  }
}
