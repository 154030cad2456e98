import fc from 'fast-check';

const SURROGATES_FROM = 0xd800;
const SURROGATES = 0x800;

/**
 * `anyCharacter` gives any character of Unicode, as the unit of `fc.string`. The library's own unit `binary` gives the same
 * characters, and takes a second in each process to list them all.
 */
export const anyCharacter = fc.nat(0x10ffff - SURROGATES).map(
  (nth) => String.fromCodePoint(nth < SURROGATES_FROM ? nth : nth + SURROGATES),
  (text) => {
    const point = typeof text === 'string' && [...text].length === 1 ? (text.codePointAt(0) ?? -1) : -1;
    const isSurrogate = point >= SURROGATES_FROM && point < SURROGATES_FROM + SURROGATES;
    if (point < 0 || isSurrogate) throw new Error('Expected one character');
    return point < SURROGATES_FROM ? point : point - SURROGATES;
  },
);
