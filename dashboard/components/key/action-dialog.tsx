import { useRef, useState } from 'react';
import type { ActionName, KeyDetail, OfferedAction } from '../../../server/admin/contract/contract.ts';
import { useKeyAction } from '../../hooks/use-key-action.ts';
import { type ActionForm, emptyForm, problemsOf } from '../../lib/action-form.ts';
import { ACTIONS, actionName } from '../../lib/actions.ts';
import { rememberReason } from '../../lib/recent-reasons.ts';
import { CommandDialog } from '../ui/command-dialog.tsx';
import { MarkFirst } from '../ui/mark-first.tsx';
import { ActionFields } from './action-fields.tsx';
import { ConflictNotice } from './conflict-notice.tsx';

interface ActionDialogProps {
  readonly offered: OfferedAction;
  readonly detail: KeyDetail;
  readonly life: string;
  /** Is called when the operator chooses another action instead. */
  readonly onOther: (action: ActionName) => void;
  readonly onClose: () => void;
}

export function ActionDialog({
  offered: latestOffer,
  detail: latest,
  life,
  onOther,
  onClose,
}: ActionDialogProps) {
  // The page behind goes on polling. The action is offered and asked for as the record was when the dialog opened.
  const [{ detail, offered }] = useState({ detail: latest, offered: latestOffer });
  const { action } = offered;
  const [form, setForm] = useState<ActionForm>(emptyForm);
  const [tried, setTried] = useState(false);
  const [canRun, setCanRun] = useState(action !== 'rerun');
  const first = useRef<HTMLTextAreaElement>(null);
  const acted = useRef(false);
  const { send, seen, conflict } = useKeyAction({
    detail,
    life,
    onDone() {
      // The button that opened the dialog may be gone with the old state.
      acted.current = true;
      onClose();
    },
    onConflict() {
      setForm((sent) => ({ ...sent, mayRepeat: false, confirm: '' }));
      setTried(false);
    },
  });

  // After a conflict, the action is offered, or refused, by the record as it stands.
  const now = conflict?.detail?.actions.find((other) => other.action === action) ?? offered;
  const refused = conflict && (conflict.detail === null ? conflict.why : now.refused);
  const problems = problemsOf(now, form);
  const { effect, tone } = ACTIONS[action];
  const name = actionName(action);

  function submit() {
    setTried(true);
    if (!seen || refused || !canRun || Object.keys(problems).length > 0) return;
    const { reason, response, confirm, mayRepeat, evidence } = form;
    rememberReason(reason.trim());
    send.mutate({
      action,
      seen,
      reason: reason.trim(),
      ...(action === 'complete' || action === 'fail' ? { response } : {}),
      ...(evidence === null ? {} : { evidence }),
      ...(now.confirm === null ? {} : { confirm }),
      ...(now.mayRepeat ? { mayRepeat } : {}),
    });
  }

  return (
    <CommandDialog
      title={name}
      description={effect}
      label={conflict && !refused ? `${name} on the new state` : name}
      danger={tone === 'danger'}
      disabled={Boolean(refused) || !canRun || !seen}
      command={send}
      initialFocus={first}
      finalFocus={() => (acted.current ? document.getElementById('state') : null)}
      onSubmit={submit}
      onClose={onClose}
    >
      {conflict ? (
        <ConflictNotice before={detail} conflict={conflict} refused={refused} />
      ) : (
        <MarkFirst action={action} detail={detail} onOther={onOther} />
      )}
      <ActionFields
        offered={now}
        detail={detail}
        form={form}
        problems={tried ? problems : {}}
        firstRef={first}
        onChange={setForm}
        onDryRun={setCanRun}
      />
    </CommandDialog>
  );
}
