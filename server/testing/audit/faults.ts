import type { AuditFault } from './audit-report.ts';

/** `FAULTS` says of each fault what is wrong, and what to do about it. */
export const FAULTS: Readonly<Record<AuditFault, { readonly message: string; readonly fix: string }>> = {
  key_ignored: {
    message: 'The same key has the effect again, and no record is kept under the key that was sent.',
    fix: 'See that the plugin, middleware or handler is in the path of this operation, and that its option `key` makes no key of its own.',
  },
  effect_outside: {
    message: 'A retry is answered from the record, and yet the effect happens again.',
    fix: 'Move the effect into the protected handler: a context, a hook or an earlier middleware runs for each request.',
  },
  effect_twice: {
    message: 'The same key has the effect more than once.',
    fix: 'See that this operation runs under its key, and that nothing releases the key after the effect.',
  },
  answers_differ: {
    message: 'Sends of one key get answers that differ.',
    fix: 'Make the whole answer in the protected handler: what is added around it is new with each request.',
  },
  key_not_required: {
    message: 'A request without a key has its effect, and again when it is retried.',
    fix: "Set `require: true` for this operation, or `keyless: 'allowed'` in the audit where that is meant.",
  },
  arguments_not_compared: {
    message: 'The same key with other arguments is not refused.',
    fix: 'Let `fingerprint` compare all arguments that change the effect.',
  },
  scope_shared: {
    message: 'Another scope that uses the same key gets no run of its own.',
    fix: 'Let `scope` name the user or tenant of the request.',
  },
  failure_runs_again: {
    message: 'The mutation fails after its effect, and a retry has the effect again.',
    fix: 'Do not release the key after an effect: record the effect by `run.step`, or let the failure be stored.',
  },
  crash_runs_again: {
    message: 'After a crash a retry has the effect again.',
    fix: "Give the effect `run.downstreamKey(name)` or the `key` of its step, or let a crash leave the key in doubt: `onCrash: 'in_doubt'`.",
  },
  runs_without_store: {
    message: 'The effect happens while the store is away, so nothing protects it.',
    fix: 'Let IDEMPOTENCY_STORE_UNAVAILABLE reach the client, and run nothing.',
  },
  no_answer: {
    message: 'A send got no answer in time.',
    fix: 'See what the server waits for; a longer time is the option `answerTimeoutMs`.',
  },
  not_audited: {
    message: 'The mutation could not be tried.',
    fix: 'Check what `send` sends, and what `effects` counts.',
  },
};
