import { type Frame, namesIn, newFrame, pathIn } from './json-frame.ts';
import { JsonLayout } from './json-layout.ts';
import { JsonTokens, type TokenKind } from './json-tokens.ts';
import type { ValuePlace, View, ViewOptions } from './json-view-options.ts';
import { isOpenAnswer, isSecretValue, rememberText } from './secret-value.ts';
import { REDACTED } from './secrets.ts';

const DEEPEST_TEXT = 3;
const TOKENS_PER_TURN = 20_000;
/** A number with so many digits may be that of a card. */
const SHORTEST_CARD = 13;

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
  readonly #layout: JsonLayout;
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
    this.#layout = new JsonLayout(options.flat === true);
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
      if (this.#layout.length > this.#options.mostChars) return this.#end(true);
    }
    return true;
  }

  result(): View {
    return {
      text: this.#layout.text,
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
        this.#layout.add(',');
        return true;
      case ':':
        if (frame?.next !== 'colon') return false;
        frame.next = 'value';
        this.#layout.addColon(this.#frames.length);
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
    if (frame ? frame.next !== 'value' : !this.#layout.isEmpty) return false;
    this.#readValue(token, frame);
    return true;
  }

  #readName(frame: Frame): true {
    frame.name = this.#tokens.value;
    frame.next = 'colon';
    this.#beginLine(frame);
    this.#layout.add(this.#tokens.source);
    return true;
  }

  #close(isObject: boolean): boolean {
    const frame = this.#frames.at(-1);
    const isAllowed = frame && frame.isObject === isObject && (frame.isEmpty || frame.next === 'comma');
    if (!isAllowed) return false;
    if (!frame.isEmpty) this.#layout.beginLastLine(this.#frames.length);
    this.#frames.pop();
    this.#layout.add(isObject ? '}' : ']');
    return true;
  }

  #readValue(token: TokenKind, frame: Frame | undefined): void {
    if (frame) {
      frame.next = 'comma';
      if (!frame.isObject) this.#beginLine(frame);
      frame.isEmpty = false;
    }
    const path = pathIn(frame);
    const names = namesIn(frame, path, this.#options.namesOf);
    const isSecret = isSecretValue(frame, { names, path }, this.#options);
    const isAnswer = isSecret && isOpenAnswer(frame, token, path, this.#options);
    if (isSecret && !isAnswer) {
      this.#hideValue(token, frame);
      return;
    }
    if (token !== '{' && token !== '[') {
      this.#readScalar(token, frame, path);
      return;
    }
    this.#layout.add(token);
    if (frame) frame.before = undefined;
    this.#frames.push(newFrame({ isObject: token === '{', path, names, isSecretAnswer: isAnswer }));
  }

  #hideValue(token: TokenKind, frame: Frame | undefined): void {
    if (this.#depth > 0 && token === 'number') this.#hideRestOfList();
    const text = token === 'text' ? this.#tokens.value : undefined;
    if (text !== undefined) this.#options.secrets?.found?.add(text);
    if (frame) frame.before = undefined;
    // A value that was taken out before it was stored stays as it is: a reveal would show no more.
    if (text === REDACTED) this.#layout.add(this.#tokens.source);
    else this.#hide();
    if (token === '{' || token === '[') this.#hidden = 1;
  }

  #readScalar(token: TokenKind, frame: Frame | undefined, path: readonly string[]): void {
    const source = this.#tokens.source;
    if (token !== 'text') {
      if (frame) frame.before = undefined;
      if (source.length >= SHORTEST_CARD && this.#options.secrets?.isText(source)) this.#hide();
      else this.#layout.add(source);
      return;
    }
    const text = this.#tokens.value;
    const place = { path, before: frame?.before };
    if (frame) rememberText(frame, text);
    this.#addText(source, text, this.#shownText(text, place));
  }

  #addText(source: string, text: string, shown: string): void {
    if (shown === text) {
      this.#layout.add(source);
      return;
    }
    this.#redacted = true;
    this.#layout.add(JSON.stringify(shown));
  }

  #shownText(text: string, place: ValuePlace): string {
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

  #hideRestOfList(): void {
    const [root] = this.#frames;
    if (root && !root.isObject) root.hidesRest = true;
  }

  #hide(): void {
    this.#redacted = true;
    this.#layout.add(JSON.stringify(REDACTED));
  }

  #skip(token: TokenKind): void {
    // A text that no colon follows is a value, and not a name.
    if (this.#skipped !== undefined && token !== ':') this.#options.secrets?.found?.add(this.#skipped);
    this.#skipped = token === 'text' ? this.#tokens.value : undefined;
    if (token === '{' || token === '[') this.#hidden++;
    else if (token === '}' || token === ']') this.#hidden--;
  }

  /** Begins the line of a field or an item. */
  #beginLine(frame: Frame): void {
    frame.isEmpty = false;
    this.#layout.beginLine(this.#frames.length);
  }
}
