import fc from 'fast-check';
import { anyCharacter } from '../support/any-character.ts';

/** Characters at which readers of keys, headers and bodies change their mind. */
const SHARP = [
  ...[
    '"',
    "'",
    '\\',
    ',',
    ';',
    ':',
    '/',
    '%',
    '=',
    '&',
    '?',
    '#',
    '|',
    '.',
    '$',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    '!',
    '@',
  ],
  ...[
    '\u0000',
    '\u007f',
    '\n',
    '\r',
    '\t',
    ' ',
    '\u00a0',
    '\u2028',
    '\ud800',
    '\udc00',
    '\ufeff',
    'é',
    '𝒳',
    'ß',
    'İ',
  ],
];

/** Whole words that mean something somewhere. */
const WORDS = [
  ...[
    'null',
    'undefined',
    'NaN',
    'true',
    '[object Object]',
    '{{key}}',
    ['$', '{key}'].join(''),
    '__proto__',
    'constructor',
    'toString',
  ],
  ...[
    '$$NOW',
    '$owner',
    '00000000-0000-0000-0000-000000000000',
    '1e400',
    '-0',
    '9007199254740993',
    '"a", "b"',
    '"a";b=1',
  ],
];

/** A text of letters, sharp characters and words. */
export const text = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.string({ unit: anyCharacter, maxLength: 4 }) },
      { weight: 4, arbitrary: fc.constantFrom(...SHARP) },
      { weight: 2, arbitrary: fc.constantFrom(...WORDS) },
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** Long ones, too: around the limits of keys and scopes. */
export const anyText = fc.oneof(
  { weight: 9, arbitrary: text },
  fc
    .tuple(fc.constantFrom('a', 'é', '"', '𝒳'), fc.integer({ min: 250, max: 1_030 }))
    .map(([one, times]) => one.repeat(times)),
);

export const anything = fc.oneof(anyText, fc.anything({ withBigInt: true, withDate: true, withMap: true }));

/** A text with one place changed: what a disk, a proxy or a person does to it. */
export const damaged = (whole: string) =>
  fc
    .tuple(fc.nat(whole.length), fc.nat(3), text)
    .map(([at, cut, put]) => whole.slice(0, at) + put + whole.slice(at + cut));
