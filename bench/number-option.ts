/** The number that an option of a command gives. @throws Error for anything else */
export function atLeast(least: number, name: string, text: string): number {
  const value = Number(text);
  if (!(value >= least)) throw new Error(`Expected ${name} to be a number of at least ${least}, got ${text}`);
  return value;
}
