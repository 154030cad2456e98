import { useSyncExternalStore } from 'react';
import type { KeyRow } from '../../server/admin/contract/contract.ts';
import { useAnnounce } from './use-announce.tsx';

/** A plan is of so many selected keys at most. */
const MOST_SELECTED = 500;

type SelectedRow = Pick<KeyRow, 'id' | 'key' | 'state' | 'outcome'>;

/** The keys that the operator has selected in a list, and the ways to change that. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** The rows are those that were selected, as they were then: they may stand on another page of the list. */
  readonly rows: readonly SelectedRow[];
  readonly clear: () => void;
  /** Turns a row around; with `range`, all rows of it from the row that was turned last. */
  readonly toggle: (row: SelectedRow, range?: readonly SelectedRow[], index?: number) => void;
  readonly setAll: (rows: readonly SelectedRow[], selected: boolean) => void;
}

interface Chosen {
  readonly of: string;
  readonly rows: ReadonlyMap<string, SelectedRow>;
  readonly last: string | null;
}

// The selection belongs to a filter, not to a page of its list: it is there still on the next page, and when a key was looked at.
let chosen: Chosen = { of: '', rows: new Map(), last: null };
const listeners = new Set<() => void>();

function set(next: Chosen) {
  chosen = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

const NONE: Chosen['rows'] = new Map();

/** @param of the filter of the list, as its address has it: another filter has another selection */
export function useSelection(of: string): Selection {
  const announce = useAnnounce();
  const current = useSyncExternalStore(subscribe, () => chosen);
  const rows = current.of === of ? current.rows : NONE;

  function setAll(changed: readonly SelectedRow[], selected: boolean, last: string | null = null) {
    const next = new Map(rows);
    for (const row of changed) {
      if (selected) next.set(row.id, row);
      else next.delete(row.id);
    }
    if (next.size > MOST_SELECTED) {
      announce({
        tone: 'problem',
        text: `At most ${MOST_SELECTED} keys can be selected. Plan a bulk job of all keys that match instead.`,
      });
      return;
    }
    set({ of, rows: next, last });
  }

  return {
    ids: new Set(rows.keys()),
    rows: [...rows.values()],
    clear: () => set({ of, rows: new Map(), last: null }),
    setAll,
    toggle(row, range, index = 0) {
      const selected = !rows.has(row.id);
      const from = range?.findIndex(({ id }) => id === current.last) ?? -1;
      const [low, high] = from < 0 ? [index, index] : [Math.min(from, index), Math.max(from, index)];
      setAll(range?.slice(low, high + 1) ?? [row], selected, row.id);
    },
  };
}
