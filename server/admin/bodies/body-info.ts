import type { Document } from '../../mongodb/database.ts';
import type { BodyInfo } from '../contract/contract.ts';
import type { Part } from './body-access.ts';

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

/** Reads a number that a driver may have read in one of three ways; null where it is none. */
export const countOf = (value: unknown): number | null => {
  const count = value === null || value === undefined ? Number.NaN : Number(String(value));
  return Number.isFinite(count) ? count : null;
};
