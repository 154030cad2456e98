import { checkOptions } from '../../engine/check-options.ts';
import { aBoolean, type Check } from '../../engine/option-checks.ts';
import { holdsSecret } from './secret-text.ts';

export const REDACTED = '[redacted]';

/** A `RedactOptions` says which values the dashboard hides, beside those that look like secrets. */
export interface RedactOptions {
  /**
   * The values of these names are hidden, too: of fields, arguments, form fields, query parameters and headers. A
   * text is a whole name, in any case and with any separators (`cardHolder` is `card_holder`); an expression is tried
   * on the name as it is written.
   * @default none
   */
  readonly names?: readonly (string | RegExp)[];
  /**
   * The values of these names are shown, though the names look like those of secrets: `nextPageToken`. Each is a
   * whole name, as above.
   * @default none
   */
  readonly shown?: readonly string[];
  /**
   * Tells whether the texts of errors are hidden as a whole. `true` also hides what was written down as the reason of a release or a
   * doubt.
   * @default false: an error text is hidden when it names a secret or looks like one
   */
  readonly errorTexts?: boolean;
}

/** These rules tell what is hidden on a dashboard before it is revealed. */
export interface Secrets {
  readonly errorTexts: boolean;
  /** Tells whether the value of this name is hidden; `parent` is the name of what it is in: `card` of `number`. */
  isName(name: string, parent?: string): boolean;
  /** Tells whether a text names a secret, or looks like one. */
  isText(text: string): boolean;
  /** The values that were hidden are added to this set. */
  readonly found?: Set<string>;
}

/**
 * Makes the rules of a dashboard from its `redact` option.
 * @throws TypeError for an option that is unknown, or not what it should be
 */
export function secretsOf(options: RedactOptions = {}): Secrets {
  checkOptions<RedactOptions>(options, CHECKS, { of: 'createDashboard', at: 'redact' });
  const { names = [], shown = [], errorTexts = false } = options;
  const own = new Set(names.filter((name) => typeof name === 'string').map(squeezed));
  const expressions = names
    .filter((name) => typeof name !== 'string')
    // With `g` or `y` an expression would go on from where it matched last.
    .map(({ source, flags }) => new RegExp(source, flags.replace(/[gy]/g, '')));
  const exempt = new Set(shown.map(squeezed));
  const known = new Map<string, boolean>();
  const found = (name: string): boolean => {
    const flat = squeezed(name);
    if (own.has(flat) || expressions.some((expression) => expression.test(name))) return true;
    return !exempt.has(flat) && isSecretName(name, flat);
  };
  const remembered = (name: string, decide: () => boolean): boolean => {
    let is = known.get(name);
    if (is === undefined) {
      is = decide();
      // A client chooses the names, so how many are remembered is bounded.
      if (known.size < MOST_KNOWN) known.set(name, is);
    }
    return is;
  };
  const isName = (name: string) => remembered(name, () => found(name));
  const isIn = (parent: string, name: string) =>
    remembered(`${parent}\n${name}`, () => isPair(parent, name) && !exempt.has(squeezed(name)));
  return {
    errorTexts,
    isName: (name, parent) => isName(name) || (parent !== undefined && isIn(parent, name)),
    isText: (text) => holdsSecret(text, isName),
  };
}

/** IsHidden texts that hold one of the values found, too: a secret of the request may come back in an error. */
export function withFound(secrets: Secrets, found: ReadonlySet<string>): Secrets {
  const values = [...found].filter((value) => value.length >= SHORTEST_FOUND).slice(0, MOST_FOUND);
  if (values.length === 0) return secrets;
  return {
    ...secrets,
    isText: (text) => secrets.isText(text) || values.some((value) => text.includes(value)),
  };
}

/** Shows the text of an error, outside of a body, or hides it as a whole. */
export const shownError = (secrets: Secrets) => (text: string) =>
  secrets.errorTexts || secrets.isText(text) ? REDACTED : text;

/** A shorter value is not looked for in other texts, since it is part of many. */
const SHORTEST_FOUND = 5;
const MOST_FOUND = 20;

const MOST_KNOWN = 10_000;
const LONGEST_NAME = 200;

/** These parts make a name secret, wherever in the name they are and however it is written. */
const PARTS =
  /passw(or)?d|passphrase|passcode|secret|token|jwt|bearer|authori[sz]ation|credential|cookie|sessionid|signature|cvc|cvv|(api|private|access|signing|encryption|master)key|(card|account)(no$|num)|(security|verification|confirmation|recovery|backup|onetime)codes?/;
/** These words make a name secret as a whole word of it: within a longer word they may mean anything. */
const WORDS = new Set(['pin', 'pan', 'pwd', 'pass', 'otp', 'totp', 'iban', 'ssn', 'csc', 'cvn', 'pinnumber']);
const ENDS = /^(otp|ssn|iban)|(otp|ssn|iban|pwd)$/;

function isSecretName(name: string, flat: string): boolean {
  // Nobody gives a field so long a name, and the work for each name is bounded.
  if (flat.length > LONGEST_NAME) return true;
  return PARTS.test(flat) || ENDS.test(flat) || wordsOf(name).some((word) => WORDS.has(word));
}

const NUMBERS = ['number', 'no', 'num'];
/**
 * These words make a field secret within a parent of that name: `number` in `card`. This is a map, since fields are
 * called `constructor`, too.
 */
const PAIRS: ReadonlyMap<string, readonly string[]> = new Map([
  ['card', [...NUMBERS, 'code', 'expiry', 'security']],
  ['account', NUMBERS],
  ['bank', ['account', 'number']],
  ['api', ['key', 'keys']],
  ['private', ['key', 'keys']],
  ['access', ['key', 'keys']],
  ['session', ['id']],
]);

/** Tells whether two names make a secret together: `card: { number }` is the same as `cardNumber`. */
function isPair(parent: string, name: string): boolean {
  const owner = wordsOf(parent.slice(-LONGEST_NAME)).at(-1)?.replace(/s$/, '');
  const [first] = wordsOf(name.slice(0, LONGEST_NAME));
  return owner !== undefined && first !== undefined && PAIRS.get(owner)?.includes(first) === true;
}

/** Splits a name into its words, in small letters: `newPassword`, `card_pin`, `X-Api-Key`. */
function wordsOf(name: string): string[] {
  return name
    .slice(0, LONGEST_NAME)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.replace(/\d+$/, ''))
    .filter((word) => word !== '');
}

const squeezed = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

const isName = (value: unknown) => typeof value === 'string' && value !== '';

const CHECKS: Readonly<Record<keyof RedactOptions, Check>> = {
  names: {
    expected: 'an array of names and regular expressions',
    accepts: (value) => Array.isArray(value) && value.every((name) => isName(name) || name instanceof RegExp),
  },
  shown: { expected: 'an array of names', accepts: (value) => Array.isArray(value) && value.every(isName) },
  errorTexts: aBoolean,
};
