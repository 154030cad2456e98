import { isIdempotencyError } from '../engine/errors.ts';
import type { Idempotency } from '../idempotency.ts';
import type { Document } from '../mongodb/database.ts';
import type { BodyInfo, BodyText } from './contract.ts';
import { cutText } from './cut-text.ts';
import { idIs, type Records } from './records.ts';
import { type IsSecret, redactedJson } from './redacted-json.ts';
import type { CapturedRequest } from './replayer.ts';

export type Part = 'request' | 'response';

const CUT_BYTES = 65_536;
/** A reply holds 16 MB. */
const MOST_BYTES = 15 * 1_048_576;

/** Stages that leave of each body only that there is one. */
export function elidedBodies(prefix: '' | 'record.' = ''): Document[] {
  const elided = (part: Part) => {
    const path = `$${prefix}${part}`;
    const hasBody = { $eq: [{ $type: `${path}.body` }, 'string'] };
    return { $cond: [hasBody, { $mergeObjects: [path, { body: '…' }] }, path] };
  };
  return [
    { $set: { [`${prefix}response`]: elided('response'), [`${prefix}request`]: elided('request') } },
    { $unset: `${prefix}steps.value` },
  ];
}

/** What a body is, without reading it. */
export function bodyFields(part: Part): Document {
  const stored = `$${part}`;
  const body = `${stored}.body`;
  const isText = { $eq: [{ $type: body }, 'string'] };
  return {
    type: { $type: stored },
    format: `${stored}.format`,
    bytes: `${stored}.bytes`,
    omitted: `${stored}.omitted`,
    isEncrypted: { $eq: [{ $type: `${stored}.cipher` }, 'object'] },
    bodyType: { $type: body },
    bodyBytes: { $cond: [isText, { $strLenBytes: body }, null] },
  };
}

/** Whether any body of a record is encrypted: of its steps as well. */
export const HOLDS_ENCRYPTED: Document = {
  $anyElementTrue: {
    $map: {
      input: {
        $concatArrays: [['$request', '$response'], { $cond: [{ $isArray: '$steps' }, '$steps.value', []] }],
      },
      in: { $eq: [{ $type: '$$this.cipher' }, 'object'] },
    },
  },
};

/** Null when there is none; a completed record has to have a response, so for that `null` is damage. */
export function bodyInfo(found: Document, isExpected: boolean): BodyInfo | null {
  const { type, format, omitted, isEncrypted } = found;
  if (type === 'missing') {
    if (!isExpected) return null;
    return { format: null, bytes: 0, omitted: null, encrypted: false, damage: 'It is missing' };
  }
  return {
    format: typeof format === 'string' ? format : null,
    bytes: countOf(found.bytes) ?? countOf(found.bodyBytes) ?? 0,
    omitted: typeof omitted === 'string' ? omitted : null,
    encrypted: isEncrypted === true,
    damage: damageOf(found),
  };
}

function damageOf({ type, format, bytes, omitted, bodyType, bodyBytes }: Document) {
  if (type !== 'object') return `Expected an object, found ${type}`;
  if (typeof format !== 'string') return 'It does not name its format';
  if (typeof omitted === 'string') return null;
  if (bodyType !== 'string') return `Expected a text, found ${bodyType}`;
  const expected = countOf(bytes);
  if (expected === countOf(bodyBytes)) return null;
  return `It has ${bodyBytes} bytes, and says that it has ${expected ?? 'none'}`;
}

const countOf = (value: unknown): number | null => {
  const count = value === null || value === undefined ? Number.NaN : Number(String(value));
  return Number.isFinite(count) ? count : null;
};

/** What opens a stored body: undefined where nobody can, as when its key is not at hand. */
export type OpenBody = (stored: Document, place: Place) => Promise<string | undefined> | string | undefined;

/** Which body of which record: an encrypted one is bound to that. */
export interface Place {
  readonly scope: string;
  readonly key: string;
  readonly life: number;
  readonly part: Part;
}

/** What opens and seals bodies: an `Idempotency`, with its ciphers. */
export type Vault = Pick<Idempotency, 'open' | 'seal'>;

export const openerOf =
  (vault: Vault): OpenBody =>
  async (stored, { part, ...address }) => {
    try {
      return await vault.open({ ...address, [part]: stored }, part);
    } catch (error) {
      if (isIdempotencyError(error)) return undefined;
      throw error;
    }
  };

export interface BodyOptions {
  readonly part: Part;
  readonly whole: boolean;
  /** Undefined shows all: for a reveal, which is audited. */
  readonly isSecret: IsSecret | undefined;
  readonly open: OpenBody;
}

/** The captured request of a record, opened; undefined where there is none, or nobody can. */
export async function readRequest(
  records: Records,
  id: string,
  open: OpenBody,
): Promise<CapturedRequest | undefined> {
  const [found] = await records.aggregate([
    { $match: idIs(id) },
    { $project: { scope: 1, key: 1, operation: 1, life: 1, request: 1 } },
  ]);
  const stored = found?.request;
  if (!found || typeof stored !== 'object' || stored === null) return undefined;
  const { scope, key, operation } = found;
  const address = { scope: String(scope), key: String(key) };
  const place = { ...address, life: Number(String(found.life)), part: 'request' } as const;
  const body = await open(stored as Document, place);
  return body === undefined ? undefined : { ...address, operation: String(operation), body };
}

/** Undefined when there is no such record. */
export async function readBody(
  records: Records,
  id: string,
  { part, whole, isSecret, open }: BodyOptions,
): Promise<BodyText | undefined> {
  const fits = { $lte: [{ $bsonSize: '$$ROOT' }, MOST_BYTES] };
  const stored = { $cond: [{ $and: [fits, { $eq: [{ $type: `$${part}` }, 'object'] }] }, `$${part}`, null] };
  const [found] = await records.aggregate([
    { $match: idIs(id) },
    { $project: { info: bodyFields(part), stored, state: 1, scope: 1, key: 1, life: 1 } },
  ]);
  if (!found) return undefined;
  const info = bodyInfo(found.info as Document, part === 'response' && found.state === 'completed') ?? NONE;
  const { scope, key, life } = found;
  const place = { scope: String(scope), key: String(key), life: Number(String(life)), part };
  const text = found.stored === null ? undefined : await open(found.stored as Document, place);
  if (text === undefined) return { ...info, text: null, textBytes: 0, cut: false, redacted: false };
  const shown = redactedJson(text, isSecret);
  return {
    ...info,
    ...cutText(shown.text, whole ? MOST_BYTES : CUT_BYTES),
    textBytes: Buffer.byteLength(text),
    redacted: shown.redacted,
  };
}

const NONE: BodyInfo = { format: null, bytes: 0, omitted: null, encrypted: false, damage: null };
