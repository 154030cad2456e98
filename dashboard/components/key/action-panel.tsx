import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ActionName, KeyDetail, OfferedAction } from '../../../server/admin/contract/contract.ts';
import { useHotkeys } from '../../hooks/use-hotkeys.ts';
import { useReadOnlyReason } from '../../hooks/use-me.ts';
import { ACTIONS, ACTIONS_BY_STATE, actionName, RECOMMENDED } from '../../lib/actions.ts';
import { usePageCommands } from '../../lib/page-commands.ts';
import { dryRunQuery } from '../../queries.ts';
import { Button, type ButtonTone } from '../ui/button.tsx';
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
  const rerunRefused = useRerunRefusal(detail, readOnly === null);
  const ours = order
    .flatMap((name) => detail.actions.find(({ action }) => action === name) ?? [])
    .toSorted((one, other) => Number(one.refused !== null) - Number(other.refused !== null))
    .map((offered) =>
      offered.action === 'rerun' && offered.refused === null
        ? { ...offered, refused: rerunRefused }
        : offered,
    );
  const others = detail.actions.filter(({ action }) => !order.includes(action));
  const chosen = detail.actions.find(({ action }) => action === open);
  const possible = ours.filter(({ refused }) => readOnly === null && refused === null);
  useHotkeys(
    Object.fromEntries(possible.map(({ action }) => [ACTIONS[action].hotkey, () => setOpen(action)])),
  );
  usePageCommands(
    possible.map(({ action }) => ({
      label: `This key: ${actionName(action).toLowerCase()}`,
      hotkey: ACTIONS[action].hotkey,
      run: () => setOpen(action),
    })),
  );
  const offer = (offered: OfferedAction) => (
    <Offer
      key={offered.action}
      offered={offered}
      isFirst={offered === possible[0]}
      readOnly={readOnly}
      onChoose={setOpen}
    />
  );

  return (
    <section aria-labelledby="actions" className="card p-4">
      <h2 id="actions" className="mb-3 font-semibold">
        Actions
      </h2>
      {readOnly !== null && <p className="mb-3 text-muted">{readOnly}</p>}
      {ours.length === 0 && <p className="text-muted">There is nothing to do in this state.</p>}
      <ul className="grid gap-3.5">{ours.map(offer)}</ul>
      {others.length > 0 && (
        <details className="mt-4 border-t border-line pt-3">
          <summary className="w-fit rounded text-xs text-muted hover:text-ink">
            Not in this state ({others.length})
          </summary>
          <ul className="mt-3 grid gap-3.5">{others.map(offer)}</ul>
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

/**
 * Makes a dry run of a re-run that the state allows, and says why it would not work; null where it would, or as long as that is not known:
 * the dialog does not send it before.
 */
function useRerunRefusal(detail: KeyDetail, mayAct: boolean): string | null {
  const offered = detail.actions.find(({ action }) => action === 'rerun');
  const { data } = useQuery({ ...dryRunQuery(detail), enabled: mayAct && offered?.refused === null });
  return data?.possible === false ? data.why : null;
}

interface OfferProps {
  readonly offered: OfferedAction;
  readonly isFirst: boolean;
  readonly readOnly: string | null;
  readonly onChoose: (action: ActionName) => void;
}

function Offer({ offered, isFirst, readOnly, onChoose }: OfferProps) {
  const { action, refused } = offered;
  const { label, effect, hotkey } = ACTIONS[action];
  const isPossible = readOnly === null && refused === null;
  return (
    <li className="grid gap-1">
      <Button
        data-action={action}
        tone={isPossible ? toneOf(action, isFirst) : 'plain'}
        disabled={!isPossible}
        aria-describedby={`about-${action}`}
        aria-keyshortcuts={isPossible ? hotkey : undefined}
        onClick={() => onChoose(action)}
        className="group w-full"
      >
        <span className="flex-1 text-left">{label}</span>
        {isPossible && (
          <kbd
            aria-hidden
            className="rounded border border-current/30 px-1.5 font-mono text-xs max-sm:hidden"
          >
            {hotkey.toUpperCase()}
          </kbd>
        )}
      </Button>
      <p id={`about-${action}`} className="text-xs text-muted">
        {readOnly === null && refused !== null ? <span>Not now: {refused}.</span> : effect}
      </p>
    </li>
  );
}

function toneOf(action: ActionName, isFirst: boolean): ButtonTone {
  if (ACTIONS[action].tone === 'danger') return 'risk';
  if (!RECOMMENDED.includes(action)) return 'plain';
  return isFirst ? 'primary' : 'soft';
}
