import { useMutation } from '@tanstack/react-query';
import { useCommandKey } from './use-command-key.ts';

interface CommandOptions<Sent extends Keyed, Answer> {
  readonly send: (command: Sent) => Promise<Answer>;
  readonly onSuccess: (answer: Answer, command: Omit<Sent, 'commandKey'>) => void;
  readonly onSettled?: () => void;
}

interface Keyed {
  readonly commandKey: string;
}

/** Sends a command with its idempotency key: the same command, sent again, has the same key. */
export function useCommand<Sent extends Keyed, Answer>({
  send,
  onSuccess,
  onSettled,
}: CommandOptions<Sent, Answer>) {
  const keyOf = useCommandKey();
  return useMutation({
    mutationFn: (command: Omit<Sent, 'commandKey'>) =>
      // TypeScript does not see that a type without a field, and the field, are the type.
      send({ ...command, commandKey: keyOf(command) } as Sent),
    onSuccess: (answer, command) => onSuccess(answer, command),
    onSettled: () => onSettled?.(),
  });
}
