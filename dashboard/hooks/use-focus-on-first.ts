import { useEffect, useState } from 'react';
import type { KeyPage } from '../../server/admin/contract/contract.ts';
import { focusFirstRow } from './use-row-keys.ts';

/** Moves the focus to the first row after a search from the search box, so that Enter opens what was found. */
export function useFocusOnFirst(page: KeyPage | undefined) {
  const [wanted, setWanted] = useState(() => Boolean(history.state?.focusFirst));
  useEffect(() => {
    if (!wanted || !page) return;
    setWanted(false);
    focusFirstRow();
  }, [wanted, page]);
}
