import { useState } from 'react';

/** The keys that the operator has selected in a list, and the ways to change that. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly clear: () => void;
  readonly toggle: (id: string) => void;
}

/** Keeps which keys of a list the operator has selected. */
export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  return {
    ids,
    clear: () => setIds(new Set()),
    toggle: (id: string) =>
      setIds((old) => new Set(old.has(id) ? [...old].filter((other) => other !== id) : [...old, id])),
  };
}
