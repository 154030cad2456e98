import { useState } from 'react';
import type { ActionName, KeyDetail, OfferedAction } from '../../../server/admin/contract/contract.ts';
import { useReadOnlyReason } from '../../hooks/use-me.ts';
import { ACTIONS, ACTIONS_BY_STATE } from '../../lib/actions.ts';
import { Button } from '../ui/button.tsx';
import { ActionDialog } from './action-dialog.tsx';

interface ActionPanelProps {
  readonly detail: KeyDetail;
  readonly life: string;
}

/** Lists the actions that can be taken now, each with what it does; and those that can not, each with why. */
export function ActionPanel({ detail, life }: ActionPanelProps) {
  const [open, setOpen] = useState<ActionName | null>(null);
  const readOnly = useReadOnlyReason();
  const order: readonly ActionName[] = ACTIONS_BY_STATE[detail.state];
  const ours = order
    .flatMap((name) => detail.actions.find(({ action }) => action === name) ?? [])
    .toSorted((one, other) => Number(one.refused !== null) - Number(other.refused !== null));
  const others = detail.actions.filter(({ action }) => !order.includes(action));
  const chosen = detail.actions.find(({ action }) => action === open);
  return (
    <section aria-labelledby="actions" className="card p-4">
      <h2 id="actions" className="mb-3 font-semibold">
        Actions
      </h2>
      {readOnly !== null && <p className="mb-3 text-muted">{readOnly}</p>}
      {ours.length === 0 && <p className="text-muted">There is nothing to do in this state.</p>}
      <ul className="grid gap-3">
        {ours.map((offered) => (
          <Offer key={offered.action} offered={offered} readOnly={readOnly} onChoose={setOpen} />
        ))}
      </ul>
      {others.length > 0 && (
        <details className="mt-3 border-t border-line pt-2">
          <summary className="w-fit rounded text-xs text-muted hover:text-ink">
            Not in this state ({others.length})
          </summary>
          <ul className="mt-3 grid gap-3">
            {others.map((offered) => (
              <Offer key={offered.action} offered={offered} readOnly={readOnly} onChoose={setOpen} />
            ))}
          </ul>
        </details>
      )}
      {chosen && (
        <ActionDialog
          key={chosen.action}
          offered={chosen}
          detail={detail}
          life={life}
          onOther={setOpen}
          onClose={() => setOpen(null)}
        />
      )}
    </section>
  );
}

interface OfferProps {
  readonly offered: OfferedAction;
  readonly readOnly: string | null;
  readonly onChoose: (action: ActionName) => void;
}

function Offer({ offered, readOnly, onChoose }: OfferProps) {
  const { action, refused } = offered;
  const { label, effect, tone } = ACTIONS[action];
  const why = readOnly ?? refused;
  return (
    <li className="grid gap-1">
      <Button
        disabled={why !== null}
        aria-describedby={`about-${action}`}
        onClick={() => onChoose(action)}
        className={`w-full ${tone === 'danger' && why === null ? 'text-danger' : ''}`}
      >
        {label}
      </Button>
      <p id={`about-${action}`} className="text-xs text-muted">
        {readOnly === null && refused !== null ? <span>Not now: {refused}</span> : effect}
      </p>
    </li>
  );
}
