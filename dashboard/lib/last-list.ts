/** The list that the operator saw last, so that a key's page leads back to it, and on to the keys beside it. */
interface LastList {
  /** The search of the list's address, with its question mark or without. */
  readonly search: string;
  readonly rows: readonly { readonly id: string; readonly life: string }[];
}

let last: LastList = { search: '', rows: [] };

export function rememberList(list: LastList): void {
  last = list;
}

export function lastListPath(): string {
  const search = last.search.replace(/^\?/, '');
  return search === '' ? '/keys' : `/keys?${search}`;
}

/** Finds the keys before and after one in the list; undefined at an end, or where the list does not have the key. */
export function neighboursOf(id: string) {
  const place = last.rows.findIndex((row) => row.id === id);
  if (place < 0) return { before: undefined, after: undefined, place: null, of: last.rows.length };
  return {
    before: last.rows[place - 1],
    after: last.rows[place + 1],
    place: place + 1,
    of: last.rows.length,
  };
}
