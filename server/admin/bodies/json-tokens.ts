export type TokenKind = '{' | '}' | '[' | ']' | ':' | ',' | 'text' | 'number' | 'word' | 'unknown';

const BLANK = /[ \t\n\r]*/y;
const PLAIN = /[^\s"{}[\],:]*/y;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const WORDS = ['true', 'false', 'null'];

/** Reads the tokens of a JSON text, one at a time: nothing behind the one that was asked for is looked at. */
export class JsonTokens {
  readonly #text: string;
  #from = 0;
  #to = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads the next token; undefined at the end. A text that is cut off is a token, too. */
  next(): TokenKind | undefined {
    BLANK.lastIndex = this.#to;
    BLANK.test(this.#text);
    this.#from = BLANK.lastIndex;
    const sign = this.#text[this.#from];
    switch (sign) {
      case undefined:
        return undefined;
      case '{':
      case '}':
      case '[':
      case ']':
      case ':':
      case ',':
        this.#to = this.#from + 1;
        return sign;
      case '"':
        this.#to = this.#endOfText();
        return 'text';
      default:
        return this.#plain();
    }
  }

  /** The source is the token as it is written. */
  get source(): string {
    return this.#text.slice(this.#from, this.#to);
  }

  /** The value is what a text token says, also where it is cut off or badly escaped. */
  get value(): string {
    const { source } = this;
    try {
      return String(JSON.parse(source));
    } catch {
      const inner = source.slice(1).replace(/"$/, '');
      return inner.replace(/\\(?:u([\da-f]{4})|(.))/gis, (_all, code?: string, sign = '') =>
        code === undefined ? sign : String.fromCharCode(Number.parseInt(code, 16)),
      );
    }
  }

  get isAtEnd(): boolean {
    return this.#to >= this.#text.length;
  }

  #endOfText(): number {
    for (
      let end = this.#text.indexOf('"', this.#from + 1);
      end >= 0;
      end = this.#text.indexOf('"', end + 1)
    ) {
      let slashes = 0;
      while (this.#text[end - 1 - slashes] === '\\') slashes++;
      if (slashes % 2 === 0) return end + 1;
    }
    return this.#text.length;
  }

  #plain(): TokenKind {
    PLAIN.lastIndex = this.#from;
    PLAIN.test(this.#text);
    // A blank that JSON does not know, such as a no-break space, is an unknown token of one sign.
    this.#to = Math.max(PLAIN.lastIndex, this.#from + 1);
    const { source } = this;
    if (NUMBER.test(source)) return 'number';
    return WORDS.includes(source) ? 'word' : 'unknown';
  }
}
