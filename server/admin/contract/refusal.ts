import type { RuleRefusal, Standing } from '../../engine/operator.ts';
import type { KeyState } from '../../engine/record.ts';

/**
 * An `ActionRefusal` says why a command of an operator is refused. Code goes by it; `refusalSentence` makes the words
 * that a person reads, in the page's API, the CLI and the audit.
 */
export type ActionRefusal =
  | RuleRefusal
  | { readonly code: 'read_only' }
  | { readonly code: 'needs_role'; readonly role: string }
  /** The request of a re-run is missing, is not whole, or can not be opened here. */
  | { readonly code: 'not_captured' }
  | { readonly code: 'request_redacted' }
  | { readonly code: 'request_unreadable' }
  | { readonly code: 'no_rerunner'; readonly format: string }
  /** The rerunner is the developer's: the words are its own. */
  | { readonly code: 'rerunner_refused'; readonly sentence: string }
  | { readonly code: 'rerunner_failed'; readonly message: string }
  | { readonly code: 'gone' }
  /** The scope has no such key: code named one by its address. */
  | { readonly code: 'not_found' }
  | { readonly code: 'unreadable' }
  /** The record is another one than the operator saw. */
  | { readonly code: 'changed'; readonly change: Change; readonly causes: readonly Cause[] }
  /** The record changed between the read and the write of the action, on a server without transactions. */
  | { readonly code: 'changed_at_write' }
  | { readonly code: 'confirm_word'; readonly word: string }
  /** The command is about so many `keys` when it starts a job. */
  | { readonly code: 'may_repeat'; readonly keys?: number }
  | { readonly code: 'confirm_count'; readonly total: number; readonly count: number }
  | { readonly code: 'wrong_job_state'; readonly state: string; readonly from: readonly string[] }
  | { readonly code: 'command_key_used' }
  /** The same command was refused before; the audit has kept the sentence of that refusal. */
  | { readonly code: 'refused_before'; readonly sentence: string };

export type RefusalCode = ActionRefusal['code'];

/** A `Change` says in what a record differs from what the operator saw. */
export type Change =
  | { readonly of: 'life' }
  | { readonly of: 'state'; readonly from: KeyState; readonly to: KeyState }
  | { readonly of: 'holder' };

/** A `Cause` says who or what changed a record. */
export type Cause =
  | {
      readonly who: 'operator';
      readonly by: string | undefined;
      readonly action: string;
      readonly at: Date;
      readonly reason: string | undefined;
    }
  | { readonly who: 'client'; readonly startedAt: Date; readonly endedAt: Date | undefined }
  | { readonly who: 'seen_run'; readonly endedAt: Date };

/** Says a refusal in one sentence, for somebody who does not read code. */
export function refusalSentence(refusal: ActionRefusal): string {
  switch (refusal.code) {
    case 'expired':
      return 'It has expired: the next request with this key starts anew';
    case 'wrong_state':
      return `It is ${standingText(refusal.standing)}; this is for ${refusal.from.map(standingText).join(', ')}`;
    case 'fence_at_limit':
      return 'Its fence is the highest there is, and can not rise';
    case 'succeeded':
      return 'It succeeded, so a retry gets its result. Expire it if the key may be used for something new';
    case 'steps_damaged':
      return 'Its list of finished steps is damaged: nobody knows what must not be done again. Expire it if the key may be used again';
    case 'no_body':
      return 'There is no body left';
    case 'no_response':
      return 'There is no response to store';
    case 'read_only':
      return 'This dashboard is read-only';
    case 'needs_role':
      return `This needs the role ${refusal.role}`;
    case 'not_captured':
      return 'Its request was not captured (option `captureRequest`)';
    case 'request_redacted':
      return 'Something was taken out of its request when that was captured';
    case 'request_unreadable':
      return 'The captured request can not be read';
    case 'no_rerunner':
      return `No rerunner is registered for ${refusal.format}`;
    case 'rerunner_failed':
      return `The rerunner failed: ${refusal.message}`;
    case 'gone':
      return 'It is no longer there';
    case 'not_found':
      return 'There is no such key';
    case 'unreadable':
      return 'The record can not be understood';
    case 'changed':
      return [changeText(refusal.change), ...refusal.causes.map(causeText)].join(' ');
    case 'changed_at_write':
      return 'It has changed meanwhile';
    case 'confirm_word':
      return `Type the word ${refusal.word} to confirm`;
    case 'may_repeat':
      return `Confirm that the effect ${ofKeys(refusal.keys)}may happen twice`;
    case 'confirm_count':
      return `Expected the number of keys, ${refusal.total}, got ${refusal.count}`;
    case 'wrong_job_state':
      return `The job is ${refusal.state}: this is for one that is ${refusal.from.join(' or ')}`;
    case 'command_key_used':
      return 'This command key was used for another command';
    case 'rerunner_refused':
    case 'refused_before':
      return refusal.sentence;
    default:
      return refusal satisfies never;
  }
}

function standingText(standing: Standing): string {
  switch (standing) {
    case 'in_doubt':
      return 'in doubt';
    case 'lapsed':
      return 'one whose lease has lapsed';
    default:
      return standing;
  }
}

function changeText(change: Change): string {
  switch (change.of) {
    case 'life':
      return 'The key began a new life meanwhile.';
    case 'state':
      return `It is ${change.to} now, no longer ${change.from}.`;
    case 'holder':
      return 'Somebody else has held or changed it meanwhile.';
    default:
      return change satisfies never;
  }
}

function causeText(cause: Cause): string {
  switch (cause.who) {
    case 'operator': {
      const why = cause.reason === undefined ? '' : `: “${cause.reason}”`;
      const action = cause.action.replaceAll('_', ' ');
      return `${cause.by ?? 'An operator'} did “${action}” at ${utc(cause.at)}${why}.`;
    }
    case 'client': {
      const how = cause.endedAt ? `, and ended at ${utc(cause.endedAt)}` : '';
      return `A client’s request with this key began to run at ${utc(cause.startedAt)}${how}.`;
    }
    case 'seen_run':
      return `The run that you saw ended at ${utc(cause.endedAt)}.`;
    default:
      return cause satisfies never;
  }
}

const ofKeys = (keys: number | undefined) =>
  keys === undefined ? '' : `of ${keys === 1 ? '1 key' : `${keys} keys`} `;

const utc = (date: Date) => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
