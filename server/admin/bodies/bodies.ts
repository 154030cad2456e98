import { isIdempotencyError } from '../../engine/errors.ts';
import type { Idempotency } from '../../idempotency.ts';
import type { Document } from '../../mongodb/database.ts';
import { idIs, isVisible, type Records } from '../collections/records.ts';
import { requireLife } from '../collections/require-life.ts';
import { textOf } from '../collections/rows.ts';
import type { BodyInfo, BodyText } from '../contract.ts';
import type { CapturedRequest } from '../replayer.ts';
import { bodyView } from './body-view.ts';
import { cutText } from './cut-text.ts';
import type { Secrets } from './secrets.ts';

export type Part = 'request' | 'response';

const MEGABYTE = 1_048_576;

/**
 * An extent says how much of a body is shown, and how much of its text is looked at for that. A compressed text is
 * expanded a little further, so that the page can say how long it is where all of it could be shown.
 */
const EXTENTS = {
  beginning: { shown: 65_536, read: 4 * 65_536, expanded: 2 * MEGABYTE },
  whole: { shown: 2 * MEGABYTE, read: 2 * MEGABYTE, expanded: 2 * MEGABYTE },
  /** A revealed body may be long: its secrets are not looked for, and the audit knows who asked for it. */
  revealed: { shown: 15 * MEGABYTE, read: 15 * MEGABYTE, expanded: 15 * MEGABYTE },
} as const;

export type Extent = keyof typeof EXTENTS;

/** A record may have so many bytes to be read whole, since a reply of the database holds 16 MB. */
const MOST_BYTES = 15 * MEGABYTE;

/** Makes stages that leave of each body of the field `record` only that there is one. */
export function elidedBodies(): Document[] {
  const elided = (part: Part) => {
    const path = `$record.${part}`;
    const hasBody = { $eq: [{ $type: `${path}.body` }, 'string'] };
    return { $cond: [hasBody, { $mergeObjects: [path, { body: '…' }] }, path] };
  };
  return [
    { $set: { 'record.response': elided('response'), 'record.request': elided('request') } },
    { $unset: 'record.steps.value' },
  ];
}

/** Describes a body without reading it: its type, its format, its size. */
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
    isPlain: {
      $and: [
        { $eq: [{ $type: `${stored}.encoding` }, 'missing'] },
        { $eq: [{ $type: `${stored}.cipher` }, 'missing'] },
      ],
    },
    bodyType: { $type: body },
    bodyBytes: { $cond: [isText, { $strLenBytes: body }, null] },
  };
}

/** Tells, as an expression, whether any body of a record is encrypted, those of its steps included. */
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

/**
 * Describes a body for the page; null when there is none. A completed record has to have a response: where that is
 * missing, this is damage.
 */
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

/**
 * Opens a stored body; undefined where nobody can, as when its key is not at hand.
 * @param mostBytes about so much of the beginning of its text; all of it by default
 */
export type OpenBody = (
  stored: Document,
  place: Place,
  mostBytes?: number,
) => Promise<string | undefined> | string | undefined;

/** A place says which body of which record this is: an encrypted body is bound to its place. */
export interface Place {
  readonly scope: string;
  readonly key: string;
  readonly life: number;
  readonly part: Part;
}

/** A vault opens and seals bodies: an `Idempotency`, with its ciphers. */
export type Vault = Pick<Idempotency, 'open' | 'seal'>;

export const openerOf =
  (vault: Vault): OpenBody =>
  async (stored, { part, ...address }, mostBytes) => {
    try {
      return await vault.open(
        { ...address, [part]: stored },
        part,
        mostBytes === undefined ? {} : { mostBytes },
      );
    } catch (error) {
      if (isIdempotencyError(error)) return undefined;
      throw error;
    }
  };

export interface BodyOptions {
  /** The operator may see these scopes; undefined for all, or where the key was found by them already. */
  readonly scopes?: readonly string[] | undefined;
  /** The life is that of the record as the page saw it. */
  readonly life?: string | undefined;
  readonly part: Part;
  readonly extent: Extent;
  /** These secrets are hidden. Undefined shows all: for a reveal, which is audited. */
  readonly secrets: Secrets | undefined;
  readonly open: OpenBody;
}

export interface ReadRequest extends CapturedRequest {
  readonly format: string;
}

/** Reads the captured request of a record, and opens it; undefined where there is none, or nobody can open it. */
export async function readRequest(
  records: Records,
  id: string,
  open: OpenBody,
): Promise<ReadRequest | undefined> {
  const found = await readCaptured(records, id);
  return found && openCaptured(found, open);
}

/** Reads the fields that the captured request of a record is opened with. */
export async function readCaptured(records: Records, id: string): Promise<Document | undefined> {
  const [found] = await records.aggregate([
    { $match: idIs(id) },
    { $project: { scope: 1, key: 1, operation: 1, life: 1, request: 1 } },
  ]);
  return found;
}

/** Opens what `readCaptured` has read; undefined where there is no request, or nobody can open it. */
export async function openCaptured(found: Document, open: OpenBody): Promise<ReadRequest | undefined> {
  const { scope, key, operation, request: stored } = found;
  if (typeof stored !== 'object' || stored === null) return undefined;
  const address = { scope: String(scope), key: String(key) };
  const place = { ...address, life: Number(String(found.life)), part: 'request' } as const;
  const body = await open(stored as Document, place);
  if (body === undefined) return undefined;
  const { format } = stored as Document;
  return { ...address, operation: String(operation), format: String(format), body };
}

/**
 * Reads a body as it may be shown; undefined when there is no such record that the operator may see. What is read, opened and looked at is
 * bounded by what is shown.
 * @throws TRPCError CONFLICT in another life of the key
 */
export async function readBody(
  records: Records,
  id: string,
  { scopes, life, part, extent, secrets, open }: BodyOptions,
): Promise<BodyText | undefined> {
  const { shown, read, expanded } = EXTENTS[extent];
  const [found] = await records.aggregate([
    { $match: isVisible(id, scopes) },
    {
      $project: {
        info: bodyFields(part),
        stored: beginningOf(part, read, expanded),
        request: part === 'response' ? beginningOf('request', read, read) : null,
        state: 1,
        outcome: 1,
        operation: 1,
        scope: 1,
        key: 1,
        life: 1,
      },
    },
  ]);
  if (!found) return undefined;
  requireLife(textOf(found.life), life);
  const info = bodyInfo(found.info as Document, part === 'response' && found.state === 'completed') ?? NONE;
  const text = await openField(open, found, 'stored', part, expanded);
  if (text === undefined) return { ...info, text: null, textBytes: 0, cut: false, redacted: false };
  const body = {
    text: text.slice(0, read),
    format: info.format,
    part,
    operation: String(found.operation),
    isFailure: found.outcome === 'error',
    request: (await openField(open, found, 'request', 'request', read))?.slice(0, read),
  };
  const view = await bodyView(body, secrets, shown);
  const { text: visible, cut } = cutText(view.text, shown);
  const textBytes = bytesOf(text, found.info as Document, expanded);
  return {
    ...info,
    text: visible,
    textBytes,
    cut: cut || view.cut || textBytes !== Buffer.byteLength(body.text),
    redacted: view.redacted,
  };
}

/**
 * Tells how many bytes a text has. A text that is stored as it is says so; the length of a compressed one is known
 * once it was expanded to its end, and null before.
 */
function bytesOf(text: string, { isPlain, bodyBytes }: Document, most: number): number | null {
  if (isPlain === true) return countOf(bodyBytes);
  const bytes = Buffer.byteLength(text);
  // A character at the end may have been cut in two.
  return bytes < most - 3 ? bytes : null;
}

async function openField(
  open: OpenBody,
  { scope, key, life, ...found }: Document,
  field: 'stored' | 'request',
  part: Part,
  mostBytes: number,
): Promise<string | undefined> {
  const stored = found[field] as Document | null | undefined;
  if (stored === null || stored === undefined) return undefined;
  const place = { scope: String(scope), key: String(key), life: Number(String(life)), part };
  return open(stored, place, mostBytes);
}

/**
 * Cuts a stored body, on the server, to its beginning. An encrypted body can be opened whole only, and is not cut.
 */
function beginningOf(part: Part, read: number, expanded: number): Document {
  const stored = `$${part}`;
  const body = `${stored}.body`;
  const isEncoded = { $eq: [{ $type: `${stored}.encoding` }, 'string'] };
  // Base64, which holds three bytes in four signs; what did not become smaller is not compressed.
  const most = { $cond: [isEncoded, 4 * Math.ceil(expanded / 3), read] };
  const cut = { $substrCP: [body, 0, most] };
  const isLong = {
    $and: [
      { $eq: [{ $type: body }, 'string'] },
      { $ne: [{ $type: `${stored}.cipher` }, 'object'] },
      // Short of it in bytes is short of it in characters.
      { $gt: [{ $cond: [{ $eq: [{ $type: body }, 'string'] }, { $strLenBytes: body }, 0] }, most] },
    ],
  };
  const fits = { $lte: [{ $bsonSize: '$$ROOT' }, MOST_BYTES] };
  return {
    $switch: {
      branches: [
        // biome-ignore lint/suspicious/noThenProperty: the name of a field of $switch
        { case: { $ne: [{ $type: stored }, 'object'] }, then: null },
        {
          case: isLong,
          // biome-ignore lint/suspicious/noThenProperty: the name of a field of $switch
          then: { $mergeObjects: [stored, { body: cut, bytes: { $strLenBytes: cut } }] },
        },
        // biome-ignore lint/suspicious/noThenProperty: the name of a field of $switch
        { case: fits, then: stored },
      ],
      default: null,
    },
  };
}

const NONE: BodyInfo = { format: null, bytes: 0, omitted: null, encrypted: false, damage: null };
