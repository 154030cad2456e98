import { useQueryClient } from '@tanstack/react-query';
import type { BodyText } from '../../../server/admin/contract/contract.ts';
import { api } from '../../api.ts';
import { useCommand } from '../../hooks/use-command.ts';
import { type BodyPart, lifeInputOf, type RecordLife } from '../../queries.ts';
import { ReasonDialog } from '../ui/reason-dialog.tsx';

interface RevealDialogProps {
  readonly detail: RecordLife;
  readonly part: BodyPart;
  readonly onRevealed: (body: BodyText) => void;
  readonly onClose: () => void;
}

export function RevealDialog({ detail, part, onRevealed, onClose }: RevealDialogProps) {
  const client = useQueryClient();
  const reveal = useCommand({
    send: api.keys.reveal.mutate,
    onSuccess: (body) => {
      onRevealed(body);
      void client.invalidateQueries({ queryKey: ['audit'] });
      onClose();
    },
  });

  return (
    <ReasonDialog
      title="Reveal secrets"
      description={`Shows the ${part} without redaction, to you, once. It is audited.`}
      label="Reveal"
      example="INC-4211: which card was charged?"
      command={reveal}
      onSubmit={(reason) => reveal.mutate({ ...lifeInputOf(detail), part, reason })}
      onClose={onClose}
    />
  );
}
