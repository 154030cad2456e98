import { type ActionRefusal, type RefusalCode, refusalSentence } from '../contract/refusal.ts';

/** A `CommandRefused` is the cause of an error that answers a refused command: it has the code for programs. */
export class CommandRefused extends Error {
  readonly code: RefusalCode;

  constructor(refusal: ActionRefusal) {
    super(refusalSentence(refusal));
    this.code = refusal.code;
  }
}
