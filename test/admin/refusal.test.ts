import { expect, it } from 'vitest';
import {
  type ActionRefusal,
  type RefusalCode,
  refusalSentence,
} from '../../server/admin/contract/refusal.ts';

const at = new Date('2026-01-02T03:04:05.678Z');
const LATER = new Date('2026-01-02T03:05:00.000Z');
const changed = (rest: Omit<Extract<ActionRefusal, { code: 'changed' }>, 'code'>) => ({
  code: 'changed' as const,
  ...rest,
});

/** Each code has its sentences here, so that a new one can not be forgotten. */
const SENTENCES: { [Code in RefusalCode]: [Extract<ActionRefusal, { code: Code }>, string][] } = {
  expired: [[{ code: 'expired' }, 'It has expired: the next request with this key starts anew']],
  wrong_state: [
    [
      { code: 'wrong_state', standing: 'running', from: ['completed', 'in_doubt', 'lapsed'] },
      'It is running; this is for completed, in doubt, one whose lease has lapsed',
    ],
    [
      { code: 'wrong_state', standing: 'lapsed', from: ['running'] },
      'It is one whose lease has lapsed; this is for running',
    ],
  ],
  fence_at_limit: [[{ code: 'fence_at_limit' }, 'Its fence is the highest there is, and can not rise']],
  succeeded: [
    [
      { code: 'succeeded' },
      'It succeeded, so a retry gets its result. Expire it if the key may be used for something new',
    ],
  ],
  steps_damaged: [
    [
      { code: 'steps_damaged' },
      'Its list of finished steps is damaged: nobody knows what must not be done again. Expire it if the key may be used again',
    ],
  ],
  no_body: [[{ code: 'no_body' }, 'There is no body left']],
  no_response: [[{ code: 'no_response' }, 'There is no response to store']],
  read_only: [[{ code: 'read_only' }, 'This dashboard is read-only']],
  needs_role: [[{ code: 'needs_role', role: 'admin' }, 'This needs the role admin']],
  not_captured: [[{ code: 'not_captured' }, 'Its request was not captured (option `captureRequest`)']],
  request_redacted: [
    [{ code: 'request_redacted' }, 'Something was taken out of its request when that was captured'],
  ],
  request_unreadable: [[{ code: 'request_unreadable' }, 'The captured request can not be read']],
  no_rerunner: [[{ code: 'no_rerunner', format: 'trpc/1' }, 'No rerunner is registered for trpc/1']],
  rerunner_refused: [
    [
      { code: 'rerunner_refused', sentence: 'Whoever sent it may not any more' },
      'Whoever sent it may not any more',
    ],
  ],
  rerunner_failed: [[{ code: 'rerunner_failed', message: 'boom' }, 'The rerunner failed: boom']],
  gone: [[{ code: 'gone' }, 'It is no longer there']],
  not_found: [[{ code: 'not_found' }, 'There is no such key']],
  unreadable: [[{ code: 'unreadable' }, 'The record can not be understood']],
  changed: [
    [changed({ change: { of: 'life' }, causes: [] }), 'The key began a new life meanwhile.'],
    [
      changed({
        change: { of: 'state', from: 'in_doubt', to: 'completed' },
        causes: [{ who: 'seen_run', endedAt: at }],
      }),
      'It is completed now, no longer in_doubt. The run that you saw ended at 2026-01-02 03:04:05 UTC.',
    ],
    [
      changed({
        change: { of: 'holder' },
        causes: [
          { who: 'operator', by: 'ada', action: 'allow_retry', at, reason: 'the bank said so' },
          { who: 'client', startedAt: at, endedAt: LATER },
        ],
      }),
      'Somebody else has held or changed it meanwhile. ada did “allow retry” at 2026-01-02 03:04:05 UTC: “the bank said so”. A client’s request with this key began to run at 2026-01-02 03:04:05 UTC, and ended at 2026-01-02 03:05:00 UTC.',
    ],
    [
      changed({
        change: { of: 'holder' },
        causes: [
          { who: 'operator', by: undefined, action: 'expire', at, reason: undefined },
          { who: 'client', startedAt: at, endedAt: undefined },
        ],
      }),
      'Somebody else has held or changed it meanwhile. An operator did “expire” at 2026-01-02 03:04:05 UTC. A client’s request with this key began to run at 2026-01-02 03:04:05 UTC.',
    ],
  ],
  changed_at_write: [[{ code: 'changed_at_write' }, 'It has changed meanwhile']],
  confirm_word: [[{ code: 'confirm_word', word: 'purge' }, 'Type the word purge to confirm']],
  may_repeat: [
    [{ code: 'may_repeat' }, 'Confirm that the effect may happen twice'],
    [{ code: 'may_repeat', keys: 1 }, 'Confirm that the effect of 1 key may happen twice'],
    [{ code: 'may_repeat', keys: 3 }, 'Confirm that the effect of 3 keys may happen twice'],
  ],
  confirm_count: [[{ code: 'confirm_count', total: 3, count: 2 }, 'Expected the number of keys, 3, got 2']],
  wrong_job_state: [
    [
      { code: 'wrong_job_state', state: 'done', from: ['planned', 'running', 'paused'] },
      'The job is done: this is for one that is planned or running or paused',
    ],
  ],
  command_key_used: [[{ code: 'command_key_used' }, 'This command key was used for another command']],
  refused_before: [
    [{ code: 'refused_before', sentence: 'It has changed meanwhile' }, 'It has changed meanwhile'],
  ],
};

const ROWS: [ActionRefusal, string][] = Object.values(SENTENCES).flat();

it.each(ROWS)('an operator who is refused by %j reads: %s', (refusal, sentence) => {
  expect(refusalSentence(refusal)).toBe(sentence);
});
