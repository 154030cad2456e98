import { type ClaimRequest, type Decision, decide } from '../../engine/decide.ts';
import { ruleOf } from '../../engine/fingerprint.ts';
import type { ResolvedPolicy } from '../../engine/policy.ts';
import type { StoredRecord } from '../../engine/record.ts';
import type { Document } from '../../mongodb/database.ts';
import { bodyFields, bodyInfo, elidedBodies } from '../bodies/body-info.ts';
import { isVisible, type Records } from '../collections/records.ts';
import { requireLife } from '../collections/require-life.ts';
import { textOf } from '../collections/rows.ts';
import type { BodyInfo, Preview } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import { plainRecord } from './read-stored.ts';

const NO_RULE = 's1';

interface PreviewOptions {
  /** The operator may see these scopes; undefined for all. */
  readonly scopes: OperatorScopes | undefined;
  /** The life is that of the record as the page saw it. */
  readonly life: string | undefined;
  /** The policy has the defaults: a policy of the operation's own may decide otherwise about a lost run. */
  readonly policy: ResolvedPolicy;
}

/**
 * Says what a retry would get now, by asking `decide` itself about the record as it stands; undefined when there is no
 * such record that the operator may see. Nothing is written.
 * @throws TRPCError CONFLICT in another life of the key
 */
export async function readPreview(
  records: Records,
  id: string,
  { scopes, life, policy }: PreviewOptions,
): Promise<Preview | undefined> {
  const [found] = await records.aggregate([
    { $match: isVisible(id, scopes) },
    { $project: { now: '$$NOW', response: bodyFields('response'), record: '$$ROOT' } },
    ...elidedBodies(),
  ]);
  if (!found) return undefined;
  const record = plainRecord(found.record as Document);
  requireLife(textOf(record.life), life);
  const response = bodyInfo(found.response as Document, record.state === 'completed');
  return previewOf(record, response, policy, found.now as Date);
}

function previewOf(
  record: StoredRecord,
  response: BodyInfo | null,
  policy: ResolvedPolicy,
  now: Date,
): Preview {
  const fingerprint = typeof record.fingerprint === 'string' ? record.fingerprint : `${NO_RULE}:same`;
  const selection = typeof record.selection === 'string' ? record.selection : undefined;
  const request = requestFor(record, policy, now);
  const same: ClaimRequest = {
    ...request,
    fingerprints: [fingerprint],
    ...(selection !== undefined && { selections: [selection] }),
  };
  const other: ClaimRequest = { ...request, fingerprints: [`${ruleOf(fingerprint)}:another`] };
  return {
    ...shown(decide(record, same, now), response),
    otherPayload: sentenceOfOther(decide(record, other, now)),
  };
}

function requestFor(
  { scope, key, operation }: StoredRecord,
  { leaseMs, unresolvedRetentionMs, onCrash, resolve }: ResolvedPolicy,
  now: Date,
): Omit<ClaimRequest, 'fingerprints'> {
  return {
    scope: String(scope),
    key: String(key),
    operation: String(operation),
    owner: 'preview',
    seed: now.getTime(),
    leaseMs,
    unresolvedRetentionMs,
    onCrash,
    resolves: resolve !== null,
    transactional: false,
  };
}

function shown(decision: Decision, response: BodyInfo | null): Omit<Preview, 'otherPayload'> {
  switch (decision.do) {
    case 'claim':
    case 'run':
      return { decision: 'run', code: null, sentence: 'It would run.' };
    case 'wait':
      return { decision: 'wait', code: null, sentence: 'It would wait for the run that is under way.' };
    case 'take_over':
      return takeOver(decision.to);
    case 'replay':
      return replay(response);
    case 'refuse':
      return { decision: 'refuse', code: decision.code, sentence: `It would be refused: ${decision.code}.` };
    default:
      return decision satisfies never;
  }
}

function takeOver(to: 'running' | 'in_doubt' | 'ask'): Omit<Preview, 'otherPayload'> {
  const by = "by the default policy; the operation's own may say otherwise";
  switch (to) {
    case 'running':
      return { decision: 'take_over', code: null, sentence: `It would run again (${by}).` };
    case 'ask':
      return {
        decision: 'take_over',
        code: null,
        sentence: `Its \`resolve\` function would be asked (${by}).`,
      };
    case 'in_doubt':
      return {
        decision: 'take_over',
        code: 'IDEMPOTENCY_IN_DOUBT',
        sentence: `The key would be left in doubt and the request refused (${by}).`,
      };
    default:
      return to satisfies never;
  }
}

function replay(response: BodyInfo | null): Omit<Preview, 'otherPayload'> {
  const lost = response === null ? 'It is missing' : (response.damage ?? response.omitted);
  if (lost === null) return { decision: 'replay', code: null, sentence: 'It would get the stored response.' };
  return {
    decision: 'refuse',
    code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
    sentence: `It would be refused: the outcome is known, the response is not available (${lost}).`,
  };
}

function sentenceOfOther(decision: Decision): string {
  switch (decision.do) {
    case 'refuse':
      return `Another payload with this key would be refused: ${decision.code}.`;
    case 'claim':
    case 'run':
      return 'Another payload with this key would run.';
    case 'wait':
    case 'take_over':
    case 'replay':
      return 'Another payload with this key would be treated as the same.';
    default:
      return decision satisfies never;
  }
}
