import { JsonTokens, type TokenKind } from './json-tokens.ts';
import { REDACTED, type Secrets } from './secrets.ts';

/**
 * Makes the text that stands for a text in the JSON, where its name does not decide that; undefined leaves it to the
 * text itself.
 */
export type ShowText = (text: string, place: Place) => string | undefined;

/** A place says where in the JSON a value is. */
export interface Place {
  /**
   * The path holds the names of the fields above the value and its own, the outermost first. Items of a list have
   * none. It holds no more than the first three.
   */
  readonly path: readonly string[];
  /** In a list, this is the text before the value, which may be its name. */
  readonly before?: string | undefined;
}

export interface ViewOptions {
  /** These secrets are hidden. Undefined shows all, in its layout: for what was revealed. */
  readonly secrets: Secrets | undefined;
  /** The view has about so many UTF-16 units: past them no more is read. */
  readonly mostChars: number;
  readonly showText?: ShowText;
  /** Finds further names that a field goes by: for a variable, the arguments that take it. */
  readonly namesOf?: (name: string, place: Place) => Iterable<string>;
  /** Tells which fields are hidden whatever their name is. */
  readonly isHidden?: (name: string, place: Place) => boolean;
  /**
   * Tells which fields are answers of an operation, such as `createApiKey: { … }`: an object there has fields of its
   * own to look at.
   */
  readonly isAnswer?: (place: Place) => boolean;
  /** The view is on one line, as in a text that holds JSON. */
  readonly flat?: boolean;
  readonly depth?: number;
}

export interface View {
  readonly text: string;
  /** Tells whether something was hidden. */
  readonly redacted: boolean;
  /** Tells whether the end of the text was not reached. */
  readonly cut: boolean;
  /** Tells whether the text was JSON as far as it was read. */
  readonly isJson: boolean;
  /** The view took so many tokens to make. */
  readonly visited: number;
}

/** Values nested deeper than this stay on one line: what is shown does not grow with how deep a client nests. */
const INDENTED_LEVELS = 12;
const DEEPEST_TEXT = 3;
const LONGEST_PATH = 3;

/** Lays out JSON without its secrets, in one go. */
export function jsonView(text: string, options: ViewOptions): View {
  const view = new JsonView(text, options);
  view.run(Number.POSITIVE_INFINITY);
  return view.result();
}

/** Lays out JSON without its secrets, with pauses, so that a host that answers others goes on doing so. */
export async function jsonViewInTurns(text: string, options: ViewOptions): Promise<View> {
  const view = new JsonView(text, options);
  while (view.run(TOKENS_PER_TURN)) await new Promise((resolve) => setImmediate(resolve));
  return view.result();
}

const TOKENS_PER_TURN = 20_000;

interface Frame {
  readonly isObject: boolean;
  readonly path: readonly string[];
  /** The fields, or the items of the list, go by these names besides their own. */
  readonly names: readonly string[];
  /** Tells whether this is the answer of an operation with a secret name: what may be the secret itself is hidden. */
  readonly isSecretAnswer: boolean;
  /** The view expects this next. */
  next: 'name' | 'colon' | 'value' | 'comma';
  isEmpty: boolean;
  name: string;
  /** In a list, this is the text before: in `["password", "…"]` it is a name. */
  before: string | undefined;
  /** In `{ "name": "password", "value": "…" }`, this is the name that the entry gives: `password`. */
  entry: string | undefined;
  /**
   * Tells whether the rest of the list is hidden. In devalue's form a list holds names, and their values further on.
   */
  hidesRest: boolean;
}

/**
 * Lays out JSON with the values of secret fields replaced, token by token, and no further than what is shown. Numbers
 * keep all their digits, and names like `__proto__` are just names. A text that was cut half-way is shown as far as
 * it goes; from where it is no JSON any more it is hidden. The nesting is walked without recursion: a client decides
 * how deep it is.
 */
class JsonView {
  readonly #tokens: JsonTokens;
  readonly #options: ViewOptions;
  readonly #depth: number;
  readonly #frames: Frame[] = [];
  readonly #out: string[] = [];
  #length = 0;
  #visited = 0;
  #redacted = false;
  #isJson = true;
  #cut = false;
  /** The number counts how deep we are below a hidden value; 0 outside of one. */
  #hidden = 0;
  #skipped: string | undefined;

  constructor(text: string, options: ViewOptions) {
    this.#tokens = new JsonTokens(text);
    this.#options = options;
    this.#depth = options.depth ?? 0;
  }

  /**
   * Reads so many more tokens.
   * @returns whether there is more to be read
   */
  run(mostTokens: number): boolean {
    for (let count = 0; count < mostTokens; count++) {
      const token = this.#tokens.next();
      if (token === undefined) return this.#end(this.#frames.length > 0 || this.#hidden > 0);
      this.#visited++;
      if (this.#hidden > 0) this.#skip(token);
      else if (!this.#read(token)) return this.#stop();
      if (this.#length > this.#options.mostChars) return this.#end(true);
    }
    return true;
  }

  result(): View {
    const text = this.#out.join('');
    return {
      text,
      redacted: this.#redacted,
      cut: this.#cut,
      isJson: this.#isJson,
      visited: this.#visited,
    };
  }

  #end(cut: boolean): false {
    this.#cut = cut;
    return false;
  }

  /** Stops at a token that can not be understood: it is no JSON, or a word that was cut off. */
  #stop(): false {
    if (this.#tokens.isAtEnd && this.#frames.length > 0) return this.#end(true);
    this.#isJson = false;
    this.#hide();
    return this.#end(false);
  }

  /**
   * Reads one token.
   * @returns false where the token can not be
   */
  #read(token: TokenKind): boolean {
    const frame = this.#frames.at(-1);
    switch (token) {
      case ',':
        if (frame?.next !== 'comma') return false;
        frame.next = frame.isObject ? 'name' : 'value';
        this.#add(',');
        return true;
      case ':':
        if (frame?.next !== 'colon') return false;
        frame.next = 'value';
        this.#add(this.#isFlat() ? ':' : ': ');
        return true;
      case '}':
      case ']':
        return this.#close(token === '}');
      case 'text':
        if (frame?.next === 'name') return this.#readName(frame);
        break;
      case '{':
      case '[':
      case 'number':
      case 'word':
        break;
      default:
        return false;
    }
    if (frame ? frame.next !== 'value' : this.#out.length > 0) return false;
    this.#readValue(token, frame);
    return true;
  }

  #readName(frame: Frame): true {
    frame.name = this.#tokens.value;
    frame.next = 'colon';
    this.#line(frame);
    this.#add(this.#tokens.source);
    return true;
  }

  #close(isObject: boolean): boolean {
    const frame = this.#frames.at(-1);
    const isAllowed = frame && frame.isObject === isObject && (frame.isEmpty || frame.next === 'comma');
    if (!isAllowed) return false;
    const wasFlat = this.#isFlat();
    this.#frames.pop();
    if (!frame.isEmpty && !wasFlat) this.#newLine();
    this.#add(isObject ? '}' : ']');
    return true;
  }

  #readValue(token: TokenKind, frame: Frame | undefined): void {
    if (frame) {
      frame.next = 'comma';
      if (!frame.isObject) this.#line(frame);
      frame.isEmpty = false;
    }
    const path = pathOf(frame);
    const names = this.#namesOf(frame, path);
    const isOpening = token === '{' || token === '[';
    const isNamed = this.#isSecret(frame, names, path);
    const isAnswer =
      isNamed &&
      frame?.isObject === true &&
      !HIDES_ALL.has(token) &&
      this.#options.isAnswer?.({ path }) === true;
    if (isNamed && !isAnswer) {
      this.#hideValue(token, frame);
      return;
    }
    if (!isOpening) {
      this.#readScalar(token, frame, path);
      return;
    }
    const isObject = token === '{';
    this.#add(isObject ? '{' : '[');
    if (frame) frame.before = undefined;
    this.#frames.push({
      isObject,
      path,
      names,
      isSecretAnswer: isAnswer,
      next: isObject ? 'name' : 'value',
      isEmpty: true,
      name: '',
      before: undefined,
      entry: undefined,
      hidesRest: false,
    });
  }

  #hideValue(token: TokenKind, frame: Frame | undefined): void {
    if (this.#depth > 0 && token === 'number') this.#hideRestOfList();
    const text = token === 'text' ? this.#tokens.value : undefined;
    if (text !== undefined) this.#options.secrets?.found?.add(text);
    if (frame) frame.before = undefined;
    // Taken out before it was stored: there is nothing to be revealed.
    if (text === REDACTED) this.#add(this.#tokens.source);
    else this.#hide();
    if (token === '{' || token === '[') this.#hidden = 1;
  }

  #readScalar(token: TokenKind, frame: Frame | undefined, path: readonly string[]): void {
    const source = this.#tokens.source;
    if (token !== 'text') {
      if (frame) frame.before = undefined;
      if (source.length >= SHORTEST_CARD && this.#options.secrets?.isText(source)) this.#hide();
      else this.#add(source);
      return;
    }
    const text = this.#tokens.value;
    const place = { path, before: frame?.before };
    if (frame) {
      frame.before = frame.isObject ? undefined : text;
      if (frame.isObject && ENTRY_NAMES.has(frame.name.toLowerCase())) frame.entry = text;
    }
    this.#addText(source, text, this.#shownText(text, place));
  }

  #addText(source: string, text: string, shown: string): void {
    if (shown === text) {
      this.#add(source);
      return;
    }
    this.#redacted = true;
    this.#add(JSON.stringify(shown));
  }

  #shownText(text: string, place: Place): string {
    const { secrets, showText, mostChars } = this.#options;
    if (!secrets) return text;
    const own = showText?.(text, place);
    if (own !== undefined) return own;
    if (!/^\s*[{[]/.test(text)) return secrets.isText(text) ? REDACTED : text;
    if (this.#depth >= DEEPEST_TEXT) return REDACTED;
    const inner = jsonView(text, { secrets, mostChars, flat: true, depth: this.#depth + 1 });
    this.#visited += inner.visited;
    if (!inner.isJson) return secrets.isText(text) ? REDACTED : text;
    return inner.redacted ? inner.text : text;
  }

  #namesOf(frame: Frame | undefined, path: readonly string[]): readonly string[] {
    if (!frame) return [];
    if (!frame.isObject) return frame.names;
    const others = this.#options.namesOf?.(frame.name, { path });
    return others ? [frame.name, ...others] : [frame.name];
  }

  #isSecret(frame: Frame | undefined, names: readonly string[], path: readonly string[]): boolean {
    const { secrets, isHidden } = this.#options;
    if (!frame || !secrets) return false;
    if (frame.hidesRest) return true;
    if (!frame.isObject)
      return (
        (frame.before !== undefined && frame.before.length < LONGEST_NAME && secrets.isName(frame.before)) ||
        (isHidden?.('', { path }) ?? false)
      );
    if (isHidden?.(frame.name, { path })) return true;
    if (frame.isSecretAnswer && SECRET_PARTS.has(frame.name.toLowerCase())) return true;
    if (
      frame.entry !== undefined &&
      ENTRY_VALUES.has(frame.name.toLowerCase()) &&
      secrets.isName(frame.entry)
    )
      return true;
    return names.some(
      (name) => secrets.isName(name) || frame.names.some((parent) => secrets.isName(name, parent)),
    );
  }

  #hideRestOfList(): void {
    const [root] = this.#frames;
    if (root && !root.isObject) root.hidesRest = true;
  }

  #hide(): void {
    this.#redacted = true;
    this.#add(JSON.stringify(REDACTED));
  }

  #skip(token: TokenKind): void {
    // A text is a value where no colon follows.
    if (this.#skipped !== undefined && token !== ':') this.#options.secrets?.found?.add(this.#skipped);
    this.#skipped = token === 'text' ? this.#tokens.value : undefined;
    if (token === '{' || token === '[') this.#hidden++;
    else if (token === '}' || token === ']') this.#hidden--;
  }

  #isFlat(): boolean {
    return this.#options.flat === true || this.#frames.length > INDENTED_LEVELS;
  }

  /** Begins the line of a field or an item. */
  #line(frame: Frame): void {
    frame.isEmpty = false;
    if (!this.#isFlat()) this.#newLine();
  }

  #newLine(): void {
    this.#add(`\n${'  '.repeat(this.#frames.length)}`);
  }

  #add(text: string): void {
    this.#out.push(text);
    this.#length += text.length;
  }
}

/**
 * An answer named like a secret is hidden when it begins with one of these: an object has fields of its own to look
 * at, and a yes or no is no secret.
 */
const HIDES_ALL: ReadonlySet<TokenKind> = new Set(['[', 'text', 'number']);

const LONGEST_NAME = 200;
/** A number with so many digits may be that of a card. */
const SHORTEST_CARD = 13;
const ENTRY_NAMES = new Set(['name', 'key', 'header', 'field', 'k']);
const ENTRY_VALUES = new Set(['value', 'values', 'val', 'content', 'v']);
/** The secret itself has one of these names in the answer of `createApiKey`. */
const SECRET_PARTS = new Set(['key', 'value', 'plain', 'plaintext', 'raw', 'code', 'data', 'text', 'full']);

function pathOf(frame: Frame | undefined): readonly string[] {
  if (!frame) return [];
  if (!frame.isObject || frame.path.length >= LONGEST_PATH) return frame.path;
  return [...frame.path, frame.name];
}
