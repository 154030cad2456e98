import type { AttemptOutcome } from './outcome.ts';

/** The status of a key, as each API gives it: GraphQL writes its words in capitals. */
export interface SomeKeyStatus {
  /** The state says what became of the key: `completed`, `running`, `in_doubt`, `released` or `unknown`, in small letters or capitals. */
  readonly state: string;
  /** How a completed call ended: `success` or `error`. */
  readonly outcome?: string | null | undefined;
}

/**
 * Says what a status tells of an operation that was sent. A key that the server does not know may be on its way still, so that tells
 * nothing.
 */
export function knownOutcome({ state, outcome }: SomeKeyStatus): AttemptOutcome {
  switch (state.toLowerCase()) {
    case 'completed':
      return outcome?.toLowerCase() === 'success' ? 'succeeded' : 'answered';
    case 'released':
      return 'answered'; // it had no effect, and may be sent again
    default:
      return 'unknown';
  }
}
