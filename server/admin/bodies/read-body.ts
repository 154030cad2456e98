import type { Document } from '../../mongodb/database.ts';
import { isVisible, type Records } from '../collections/records.ts';
import { requireLife } from '../collections/require-life.ts';
import { textOf } from '../collections/rows.ts';
import type { BodyInfo, BodyText } from '../contract/contract.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import type { OpenBody, Part } from './body-access.ts';
import { bodyFields, bodyInfo, countOf } from './body-info.ts';
import { bodyView } from './body-view.ts';
import { cutText } from './cut-text.ts';
import type { Secrets } from './secrets.ts';

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

export interface BodyOptions {
  /** The operator may see these scopes; undefined for all, or where the key was found by them already. */
  readonly scopes?: OperatorScopes | undefined;
  /** The life is that of the record as the page saw it. */
  readonly life?: string | undefined;
  readonly part: Part;
  readonly extent: Extent;
  /** These secrets are hidden. Undefined shows all: for a reveal, which is audited. */
  readonly secrets: Secrets | undefined;
  readonly open: OpenBody;
}

const NONE: BodyInfo = { format: null, bytes: 0, omitted: null, encrypted: false, damage: null };

/**
 * Reads a body as it may be shown; undefined when there is no such record that the operator may see. What is read,
 * opened and looked at is bounded by what is shown.
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
  // The cut may have split the last character, which is then missing: up to three bytes.
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
  // An encoded body is Base64, which holds three bytes in four signs. No text grows by compression: one that would is
  // stored as it is.
  const most = { $cond: [isEncoded, 4 * Math.ceil(expanded / 3), read] };
  const cut = { $substrCP: [body, 0, most] };
  const isLong = {
    $and: [
      { $eq: [{ $type: body }, 'string'] },
      { $ne: [{ $type: `${stored}.cipher` }, 'object'] },
      // A text has no more characters than bytes, so a text of few bytes need not be cut.
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
