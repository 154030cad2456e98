import { CONFIRM_WORDS, mayRepeat, OPERATOR_ACTIONS, refusalOf } from '../../engine/operator.ts';
import { type KeyRecord, readRecord, type StoredRecord } from '../../engine/record.ts';
import { readTraceparent, type TraceContext } from '../../engine/traceparent.ts';
import type { Document } from '../../mongodb/database.ts';
import { bodyFields, bodyInfo, elidedBodies } from '../bodies/body-info.ts';
import { isVisible, type Records } from '../collections/records.ts';
import { msOf, ROW_FIELDS, rowOf, shortText, textOf } from '../collections/rows.ts';
import type { KeyDetail, OfferedAction, Seen } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import { type ActionRefusal, refusalSentence } from '../contract/refusal.ts';
import { readRefusals } from './call-notes.ts';
import { extendedJson } from './extended-json.ts';
import { plainRecord } from './read-stored.ts';
import { sentenceOf } from './sentence.ts';
import { timelineIsCut, timelineOf } from './timeline.ts';

const MOST_RAW_BYTES = 1_048_576;

/**
 * Says why an operator may not take an action, whatever state the key is in: the role, a read-only dashboard, no
 * rerunner.
 */
type DenialOf = (action: OfferedAction['action'], record: KeyRecord) => ActionRefusal | null;

export interface DetailOptions {
  /** The operator may see these scopes; undefined for all. */
  readonly scopes: OperatorScopes | undefined;
  readonly denialOf: DenialOf;
  /** Makes what is shown of the reason of a release or a doubt, which may be the text of an error. */
  readonly reasonOf?: (reason: string) => string;
  /** Tells whether the operation has a probe. Default: none has. */
  readonly hasProbe?: (operation: string) => boolean;
  /** Gives the address of a run's trace. */
  readonly traceUrlOf?: (run: TraceContext) => string | null;
}

/** Reads one key for its page; undefined when there is no such record, or it is in none of the operator's scopes. */
export async function readDetail(
  records: Records,
  id: string,
  {
    scopes,
    denialOf,
    reasonOf = (reason) => reason,
    traceUrlOf = () => null,
    hasProbe = () => false,
  }: DetailOptions,
): Promise<KeyDetail | undefined> {
  const [found] = await records.aggregate([
    { $match: isVisible(id, scopes) },
    { $project: DETAIL_FIELDS },
    ...elidedBodies(),
    { $set: { record: { $cond: [{ $lte: [{ $bsonSize: '$record' }, MOST_RAW_BYTES] }, '$record', null] } } },
  ]);
  if (!found) return undefined;
  const run = readTraceparent(found.traceparent);
  const detail = detailOf(found, denialOf, reasonOf);
  return {
    ...detail,
    refusals: await readRefusals(records, detail, detail.createdAt),
    traceUrl: run ? traceUrlOf(run) : null,
    hasProbe: detail.seen !== null && hasProbe(detail.operation),
  };
}

const stepBytes = {
  $cond: [
    { $isArray: '$steps' },
    {
      $map: {
        input: { $slice: ['$steps', 100] },
        in: { name: '$$this.name', at: '$$this.at', bytes: '$$this.value.bytes' },
      },
    },
    [],
  ],
};

const DETAIL_FIELDS: Document = {
  ...ROW_FIELDS,
  fingerprint: shortText('$fingerprint'),
  selection: shortText('$selection'),
  transactional: '$transactional',
  traceparent: '$traceparent',
  steps: stepBytes,
  requestInfo: bodyFields('request'),
  responseInfo: bodyFields('response'),
  record: '$$ROOT',
};

function detailOf(
  found: Document,
  denialOf: DenialOf,
  reasonOf: (reason: string) => string,
): Omit<KeyDetail, 'traceUrl' | 'hasProbe' | 'refusals'> {
  const row = rowOf(found);
  const now = found.now as Date;
  const raw = withReasons((found.record ?? {}) as Document, reasonOf);
  const record = row.state === 'unreadable' ? undefined : readRecord(withBodyMarks(plainRecord(raw), found));
  const timeline = timelineOf(raw, row);
  const response = bodyInfo(found.responseInfo as Document, found.state === 'completed');
  return {
    ...row,
    fingerprint: knownText(found.fingerprint),
    selection: knownText(found.selection),
    transactional: found.transactional === true,
    seen: record ? seenOf(row.id, record) : null,
    sentence: sentenceOf(row, timeline, now.getTime()),
    timeline,
    timelineIsCut: timelineIsCut(raw),
    steps: (found.steps as Document[]).map(({ name, at, bytes }) => ({
      name: textOf(name),
      at: msOf(at),
      bytes: Number(bytes ?? 0),
    })),
    request: bodyInfo(found.requestInfo as Document, false),
    response,
    raw: found.record === null ? '(larger than 1 MB)' : extendedJson(raw),
    damage: record
      ? (response?.damage ?? null)
      : 'A field is missing, of another type, or of another release',
    actions: OPERATOR_ACTIONS.map((action) => offered(action, record, now, denialOf)),
    now: now.getTime(),
  };
}

function withReasons(record: Document, reasonOf: (reason: string) => string): Document {
  const { history } = record;
  if (!Array.isArray(history)) return record;
  const shown = history.map((entry: { reason?: unknown } | null) =>
    typeof entry?.reason === 'string' ? { ...entry, reason: reasonOf(entry.reason) } : entry,
  );
  return { ...record, history: shown };
}

/** Marks where the record has a body. Bodies are not read here, and the rules ask only whether there is one. */
function withBodyMarks(record: StoredRecord, found: Document): StoredRecord {
  const parts = ['response', 'request'].filter(
    (part) => (found[`${part}Info`] as Document).bodyType === 'string',
  );
  return {
    ...record,
    ...Object.fromEntries(parts.map((part) => [part, { ...(record[part] as object), body: '' }])),
  };
}

function offered(
  action: OfferedAction['action'],
  record: KeyRecord | undefined,
  now: Date,
  denialOf: DenialOf,
): OfferedAction {
  const confirm = CONFIRM_WORDS[action];
  const refusal: ActionRefusal | null = record
    ? (refusalOf(action, record, now) ?? denialOf(action, record))
    : { code: 'unreadable' };
  const refused = refusal && refusalSentence(refusal);
  return { action, refused, confirm, mayRepeat: record === undefined || mayRepeat(action, record) };
}

/** Makes what an action is a compare-and-set on. */
export function seenOf(id: string, { life, owner, fence, state }: KeyRecord): Seen {
  return { id, life: String(life), owner, fence: String(fence), state };
}

const knownText = (value: unknown) => (value === '(missing)' ? null : String(value));
