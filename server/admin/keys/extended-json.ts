import type { Document } from '../../mongodb/database.ts';

const MOST_ITEMS = 100;
const LONGEST_TEXT = 4_096;
const DEEPEST = 20;

/**
 * Writes a stored document as extended JSON, for reading: long texts, long arrays and deep trees are cut, and say so.
 */
export function extendedJson(document: Document): string {
  return JSON.stringify(shown(document, 0), null, 2);
}

function shown(value: unknown, depth: number): unknown {
  if (typeof value === 'string') {
    if (value.length <= LONGEST_TEXT) return value;
    return `${value.slice(0, LONGEST_TEXT)}… (${value.length} characters)`;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $numberDouble: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return { $date: isoOf(value) };
  if ('_bsontype' in value) return tagged(value as { _bsontype: unknown });
  if (depth >= DEEPEST) return '…';
  if (Array.isArray(value)) return cutItems(value.map((item) => () => shown(item, depth + 1)));
  const fields = Object.entries(value).map(([name, field]) => [name, shown(field, depth + 1)] as const);
  return Object.fromEntries(fields.slice(0, MOST_ITEMS * 10));
}

function cutItems(items: readonly (() => unknown)[]): unknown[] {
  const left = items.length - MOST_ITEMS;
  const kept = items.slice(0, MOST_ITEMS).map((item) => item());
  return left > 0 ? [...kept, `… (${left} more)`] : kept;
}

/** Writes a value of the driver's classes, which are known by the names that they give themselves, in whichever copy of the driver. */
function tagged(value: { _bsontype: unknown }): unknown {
  switch (value._bsontype) {
    case 'ObjectId':
      return { $oid: String(value) };
    case 'Long':
      return { $numberLong: String(value) };
    case 'Decimal128':
      return { $numberDecimal: String(value) };
    default:
      return { [`$${value._bsontype}`]: String(value).slice(0, LONGEST_TEXT) };
  }
}

function isoOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'out of range' : date.toISOString();
}
