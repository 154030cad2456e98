import { createContext, useContext } from 'react';
import type { Me } from '../../server/admin/contract/contract.ts';

export const MeContext = createContext<Me | null>(null);

export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error('Expected a MeContext around this component');
  return me;
}

/** Says why this operator may change nothing; null when they may. The server checks it again. */
export function useReadOnlyReason(): string | null {
  const { operator, readOnly } = useMe();
  if (readOnly) return 'This dashboard is read-only.';
  return operator.role === 'viewer' ? 'Your role is viewer: you can look, but not act.' : null;
}
