export type IsSecret = (name: string) => boolean;

export const REDACTED = '[redacted]';

const SECRET_NAMES =
  /pass(word|wd|phrase)|secret|token|authori[sz]ation|api_?key|private_?key|credential|cookie|session_?id|\bpin\b|cvc|cvv|card_?number|\bpan\b|iban|account_?number|ssn|otp|signature/i;

/** Names of fields whose values are nobody's business on a dashboard: whatever holds a password, a token, a card number. */
export const isSecretName: IsSecret = (name) => SECRET_NAMES.test(name.replace(/[-.\s]/g, '_'));

/** Strings, the signs between them, and everything else up to the next one. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"?|[{}[\],:]|[^\s"{}[\],:]+/gs;
const DEEPEST_TEXT = 3;

/**
 * JSON indented, with the values of secret fields replaced. Token by token, so that numbers keep all their digits, names
 * like `__proto__` are just names, and a text that was cut half-way is shown as far as it goes. Texts that hold JSON
 * are looked into, too.
 */
export function redactedJson(
  text: string,
  isSecret: IsSecret = () => false,
  depth = 0,
): { text: string; redacted: boolean } {
  const out = new Indented(depth > 0);
  let redacted = false;
  let name: string | undefined;
  let last = '';
  /** How deep we are below a secret field's value; 0 outside of one. */
  let hidden = 0;
  for (const [token] of text.matchAll(TOKENS)) {
    if (hidden > 0) {
      hidden += depthOf(token);
      if (hidden === 1 && depthOf(token) <= 0) hidden = 0;
      last = token;
      continue;
    }
    if (token === ':' && last.startsWith('"')) name = nameOf(last);
    const isValue = last === ':' && token !== ':';
    if (isValue && name !== undefined && isSecret(name) && !isOperation(name, token)) {
      out.add(JSON.stringify(REDACTED));
      redacted = true;
      hidden = depthOf(token) > 0 ? 2 : 0;
      last = token;
      continue;
    }
    if (token.startsWith('"') && depth < DEEPEST_TEXT && holdsJson(token)) {
      const inner = redactedJson(nameOf(token), isSecret, depth + 1);
      redacted ||= inner.redacted;
      out.add(inner.redacted ? JSON.stringify(inner.text) : token);
    } else {
      out.add(token);
    }
    last = token;
  }
  return { text: out.text, redacted };
}

const depthOf = (token: string) =>
  token === '{' || token === '[' ? 1 : token === '}' || token === ']' ? -1 : 0;

const holdsJson = (token: string) => /^"\s*[{[]/.test(token) && token.includes('\\"');

/** `createApiKey: {…}` is what an operation gave, with fields of its own to look at. */
const isOperation = (name: string, token: string) => token === '{' && OPERATIONS.test(name);
const OPERATIONS =
  /^(create|add|update|change|set|reset|rotate|refresh|generate|issue|verify|delete|remove|revoke)[A-Z_]/;

/** What a string token says; a damaged one as it is written. */
function nameOf(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}

const isBare = (token: string) => /^[^{}[\],:]/.test(token);

/** Puts tokens together again, two blanks for each level. */
class Indented {
  text = '';
  readonly #isFlat: boolean;
  #level = 0;
  #last = '';

  constructor(isFlat: boolean) {
    this.#isFlat = isFlat;
  }

  add(token: string): void {
    const step = depthOf(token);
    if (step < 0) {
      this.#level--;
      if (depthOf(this.#last) <= 0) this.#newLine();
    } else if (depthOf(this.#last) > 0 || this.#last === ',') {
      this.#newLine();
    } else if (isBare(this.#last) && isBare(token)) {
      this.text += ' '; // no JSON at all
    }
    this.text += token === ':' && !this.#isFlat ? ': ' : token;
    if (step > 0) this.#level++;
    this.#last = token;
  }

  #newLine(): void {
    if (!this.#isFlat) this.text += `\n${'  '.repeat(Math.max(0, this.#level))}`;
  }
}
