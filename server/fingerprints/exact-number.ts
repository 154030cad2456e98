/** A number written in decimal digits, or its text where a JavaScript number would be another one: 9007199254740993. */
export function exactNumber(text: string): number | string {
  const value = Number(text);
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(value) ? value : text;
  const digits = text.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '');
  return digits.length <= 15 && Number.isFinite(value) ? value : text; // a double keeps any 15 digits
}
