/**
 * Makes the cursor whose page begins with the record `id`: a page holds the ids below its cursor, newest first. A
 * list that is asked for again from there keeps its rows where they are, however many new ones have come.
 */
export function cursorFrom(id: string): string {
  return (BigInt(`0x${id}`) + 1n).toString(16).padStart(id.length, '0');
}
