/** A number of a JSON text: its digits, and its exponent. */
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;
/** With more digits than this, an exponent would no longer be exact; no parser takes such a number for anything but 0 or too large. */
const LONGEST_EXPONENT = 15;

/**
 * Writes a number of a JSON text in one way, exactly, whatever way it was written in: `1`, `1.0`, `10e-1` and `1E+0` are `1e0`, and
 * 9007199254740993 is not 9007199254740992. Zero has no sign: `-0` says what `0` says.
 */
export function decimalOf(text: string): string {
  const [, sign = '', whole = '', part = '', exponent = '0'] = NUMBER.exec(text) ?? [];
  if (exponent.length > LONGEST_EXPONENT) return text;
  const digits = `${whole}${part}`.replace(/^0+/, '');
  const end = lastNonZero(digits);
  if (end < 0) return '0';
  const zeros = digits.length - 1 - end;
  return `${sign}${digits.slice(0, end + 1)}e${Number(exponent) - part.length + zeros}`;
}

/** By hand: a regular expression for zeros at the end tries each place of a long number. */
function lastNonZero(digits: string): number {
  let at = digits.length - 1;
  while (at >= 0 && digits[at] === '0') at--;
  return at;
}
