/** No more than so many characters of one text are looked at. */
const LOOKED_AT = 300_000;

/**
 * Tells whether a text names a secret, or holds what looks like one: then nobody can tell which part of it is the
 * secret.
 */
export function holdsSecret(text: string, isName: (name: string) => boolean): boolean {
  const some = text.slice(0, LOOKED_AT);
  if (some.length < 4) return false;
  return PROSE.test(some) && /\s/.test(some)
    ? true
    : LOOKS.some((look) => look.test(some)) || holdsCardNumber(some) || assigns(some, isName);
}

/** These words name a secret in a sentence. Shorter names are words like any other, unless a number follows. */
const PROSE =
  /passw(or)?d|passphrase|passcode|secret|token|credential|authori[sz]ation|bearer|\bjwt\b|(api|private|access)[ _-]?key|\bcvc|\bcvv|(card|account)[ _-]?(number|no\b)|(security|verification|recovery|backup|one.?time)[ _-]?code|session[ _-]?id|\bcookie|signature|\b(pin|otp|pan|ssn|iban)\b.{0,20}\d/i;

const LOOKS = [
  /\beyJ[\w-]{8,}\.[\w-]{4,}/, // a JSON Web Token
  /-----BEGIN [A-Z ]*PRIVATE KEY/,
  /\b(Bearer|Basic)\s+[\w~+/.=-]{6,}/i,
  /\b(sk|rk|whsec)_(live_|test_)?\w{8,}/,
  /\b(gh[pousr]_|github_pat_|xox[abposr]-|AKIA|AIza|glpat-|npm_)\w{10,}/,
  /\/\/[^\s/:@]*:[^\s/@]+@/, // https://user:password@host
];

const DIGITS = /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g;

/** Tells whether a text holds the number of a card, by its first digit and its check digit. */
function holdsCardNumber(text: string): boolean {
  for (const [found] of text.matchAll(DIGITS)) {
    const digits = found.replace(/\D/g, '');
    if (/^(4|5[1-5]|2[2-7]|3[47]|6)/.test(digits) && isLuhn(digits)) return true;
  }
  return false;
}

function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits.at(-1 - index));
    const counted = index % 2 === 1 ? digit * 2 : digit;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 === 0;
}

/**
 * Tells whether a text gives a secret name a value: `name=…`, `name: …`, `name = …`, as in a query, a cookie or a
 * line of a log.
 */
function assigns(text: string, isName: (name: string) => boolean): boolean {
  let before = '';
  for (const piece of text.split(BETWEEN)) {
    const sign = piece.search(/[=:]/);
    const name = sign === 0 ? before : piece.slice(0, Math.max(0, sign));
    if (sign >= 0 && name !== '' && isName(name)) return true;
    before = piece;
  }
  return false;
}

const BETWEEN = /[\s,;&?"'`{}()<>|#/\\]+/;
