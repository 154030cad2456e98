import { refusalSentence } from '../admin/contract/refusal.ts';
import { wasInDoubt } from '../engine/lost-run.ts';
import type { UnresolvedRecord } from '../engine/record.ts';
import { checkResolution } from '../engine/resolution.ts';
import { doubtOfRecord } from '../execution/doubt.ts';
import { untilAborted } from '../execution/until-aborted.ts';
import { messageOf } from './check-command.ts';
import { revisionOf } from './find-key.ts';
import { jsonOf } from './json-of.ts';
import { listPending, type PendingKey, readPending } from './pending-keys.ts';
import type {
  PendingResolution,
  ResolvedKey,
  ResolvedPending,
  ResolvePendingOptions,
} from './pending-result.ts';
import type { OperatorServices } from './services.ts';
import { type Command, take } from './take-command.ts';

/** All ids are greater than this. */
const FIRST = '0'.repeat(24);

interface Work {
  readonly services: OperatorServices;
  readonly resolve: NonNullable<ResolvePendingOptions['resolve']>;
  readonly reason: string | undefined;
  readonly stop: AbortSignal | undefined;
}

/**
 * Asks about keys in doubt, and settles those of which the function knows the end. Each is read when its turn comes, and what is done is a
 * compare-and-set on what was read: a client's retry that asks at the same time, or a second walk, can not be overwritten.
 * @throws TypeError where nobody can be asked
 */
export async function resolvePending(
  services: OperatorServices,
  {
    limit = 100,
    resolve = services.policy.resolve ?? undefined,
    concurrency = 4,
    ...options
  }: ResolvePendingOptions,
): Promise<ResolvedPending> {
  if (!resolve)
    throw new TypeError(
      'Expected `resolve` to be a function: createIdempotency has none, and those of operations need the call of a client',
    );
  const { after, operation, reason, signal: stop } = options;
  const listed = await listPending(services, { after, operation, limit: limit + 1 });
  const work: Work = { services, resolve, reason, stop };
  const results: (ResolvedKey | undefined)[] = [];
  let asked = 0;
  const isDone = () => asked >= Math.min(limit, listed.length) || stop?.aborted === true;
  const worker = async () => {
    while (!isDone()) {
      const at = asked++;
      results[at] = await resolveKey(work, listed[at] as PendingKey);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const keys = results.filter((result) => result !== undefined);
  const last = asked === 0 ? (after ?? FIRST) : (listed[asked - 1] as PendingKey).recordId;
  return { keys, counts: countsOf(keys), next: asked < listed.length ? last : null };
}

/** Asks about one key; undefined for one that is in no doubt. */
async function resolveKey(work: Work, pending: PendingKey): Promise<ResolvedKey | undefined> {
  const { services, reason } = work;
  try {
    const standing = await readPending(services, pending.recordId);
    if ('refusal' in standing) {
      const { refusal } = standing;
      return { ...pending, outcome: 'refused', code: refusal.code, why: refusalSentence(refusal) };
    }
    const { record, seen } = standing;
    if (!isInDoubt(work, record)) return undefined;
    const resolution = await askAbout(work, record);
    if (resolution.action === 'in_doubt') return { ...pending, outcome: 'in_doubt' };
    const command = commandOf(resolution, reason);
    const { scope, key } = record;
    const result = await take(services, { scope, key, revision: revisionOf(seen) }, command);
    return result.done
      ? { ...pending, outcome: resolution.action, note: result.note }
      : { ...pending, outcome: 'refused', code: result.code, why: result.why };
  } catch (error) {
    return { ...pending, outcome: 'error', error };
  }
}

/** Under `onCrash: 'retry'` a lapsed run is in no doubt: the next retry runs. */
function isInDoubt({ services }: Work, record: UnresolvedRecord): boolean {
  return record.state === 'in_doubt' || services.policy.onCrash === 'in_doubt' || wasInDoubt(record);
}

/** Asks the function, for at most a lease's time. */
async function askAbout(
  { services, resolve, stop }: Work,
  record: UnresolvedRecord,
): Promise<PendingResolution> {
  const { leaseMs } = services.policy;
  const timeout = new AbortController();
  const tooLong = () =>
    timeout.abort(new DOMException(`\`resolve\` took longer than ${leaseMs} ms`, 'TimeoutError'));
  const timer = setTimeout(tooLong, leaseMs);
  const signal = stop ? AbortSignal.any([timeout.signal, stop]) : timeout.signal;
  const open = (step: string) => services.openStep(record, step);
  try {
    const doubt = doubtOfRecord({ record, steps: record.steps, signal, open });
    return checkResolution(await untilAborted((async () => resolve(doubt))(), signal));
  } finally {
    clearTimeout(timer);
  }
}

type Decided = Exclude<PendingResolution, { readonly action: 'in_doubt' }>;

/** Makes the operator's command of what the function said. @throws TypeError for an answer that can not be stored */
function commandOf(resolution: Decided, reason = `the resolve function says: ${resolution.action}`): Command {
  switch (resolution.action) {
    case 'complete':
      return { action: 'complete', reason, response: jsonOf(resolution.data), api: resolution.api };
    case 'fail': {
      const response = messageOf(resolution.error);
      if (response === undefined)
        throw new TypeError('Expected `error` to be the message of the error, or an Error with one');
      return { action: 'fail', reason, response, api: resolution.api };
    }
    case 'retry':
      // The function says that nothing happened, or that the handler does not repeat it.
      return { action: 'allow_retry', reason, mayRepeat: true };
    default:
      return resolution satisfies never;
  }
}

function countsOf(keys: readonly ResolvedKey[]): ResolvedPending['counts'] {
  const counts = { complete: 0, fail: 0, retry: 0, in_doubt: 0, refused: 0, error: 0 };
  for (const { outcome } of keys) counts[outcome] += 1;
  return counts;
}
