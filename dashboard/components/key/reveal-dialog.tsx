import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import type { BodyText } from '../../../server/admin/contract.ts';
import { api, messageOf } from '../../api.ts';
import { useCommandKey } from '../../hooks/use-command-key.ts';
import { type Address, addressed, type BodyPart } from '../../queries.ts';
import { Dialog } from '../ui/dialog.tsx';
import { DialogActions } from '../ui/dialog-actions.tsx';
import { Notice } from '../ui/notice.tsx';
import { hasReason, ReasonField } from '../ui/reason-field.tsx';

interface RevealDialogProps {
  readonly detail: Address;
  readonly part: BodyPart;
  readonly onRevealed: (body: BodyText) => void;
  readonly onClose: () => void;
}

export function RevealDialog({ detail, part, onRevealed, onClose }: RevealDialogProps) {
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const first = useRef<HTMLTextAreaElement>(null);
  const client = useQueryClient();
  const keyOf = useCommandKey();
  const reveal = useMutation({
    mutationFn: () => {
      const command = { ...addressed(detail), part, reason: reason.trim() };
      return api.keys.reveal.mutate({ ...command, commandKey: keyOf(command) });
    },
    onSuccess: (body) => {
      onRevealed(body);
      void client.invalidateQueries({ queryKey: ['audit'] });
      onClose();
    },
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (hasReason(reason)) reveal.mutate();
  }

  return (
    <Dialog
      title="Reveal secrets"
      description={`Shows the ${part} without redaction, to you, once. It is audited.`}
      initialFocus={first}
      onClose={onClose}
    >
      <form noValidate onSubmit={submit}>
        <div className="grid gap-4 p-4">
          <ReasonField value={reason} onChange={setReason} problem={tried} inputRef={first} />
          {reveal.error && <Notice tone="problem" role="alert" title={messageOf(reveal.error)} />}
        </div>
        <DialogActions label="Reveal" busy={reveal.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
