import { type ClaimRequest, type Decision, decide } from '../../engine/decide.ts';
import { ruleOf } from '../../engine/fingerprint.ts';
import type { ResolvedPolicy } from '../../engine/policy.ts';
import type { StoredRecord } from '../../engine/record.ts';
import type { BodyInfo, Preview } from '../contract.ts';

const NO_RULE = 's1';

/**
 * Says what a retry would get now, by asking `decide` itself about the record as it stands. Nothing is written.
 * @param policy the defaults: a policy of the operation's own may decide otherwise about an abandoned run
 */
export function previewOf(
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
  { leaseMs, abandonedRetentionMs, onAbandoned }: ResolvedPolicy,
  now: Date,
): Omit<ClaimRequest, 'fingerprints'> {
  return {
    scope: String(scope),
    key: String(key),
    operation: String(operation),
    owner: 'preview',
    seed: now.getTime(),
    leaseMs,
    abandonedRetentionMs,
    onAbandoned: typeof onAbandoned === 'function' ? 'ask' : onAbandoned,
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
        sentence: `The resolver function of \`onAbandoned\` would be asked (${by}).`,
      };
    case 'in_doubt':
      return {
        decision: 'take_over',
        code: 'IN_DOUBT',
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
    code: 'RESULT_NOT_RETAINED',
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
