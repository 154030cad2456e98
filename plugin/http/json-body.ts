import { parse } from 'lossless-json';
import { exactNumber } from '../../server/fingerprints/exact-number.ts';
import { decimalOf } from './decimal.ts';

const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/**
 * Reads a JSON body for comparing: a number counts by its exact value, however it is written. Undefined for what is no JSON, and for an
 * object that has two different values for one name: parsers do not agree on what that says.
 */
export function comparableJson(contentType: string | null, bytes: Uint8Array): unknown {
  return parsed(contentType, bytes, (text) =>
    parse(text, null, { parseNumber: (text) => new Decimal(decimalOf(text)) }),
  );
}

/** The same for developers to read, who get what `JSON.parse` gives, but for numbers that it would change: those are text. */
export function readableJson(contentType: string | null, bytes: Uint8Array): unknown {
  return parsed(contentType, bytes, (text) =>
    parse(text, null, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue }),
  );
}

function parsed(contentType: string | null, bytes: Uint8Array, read: (text: string) => unknown): unknown {
  if (!JSON_TYPE.test(contentType ?? '')) return undefined;
  try {
    return read(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** A `Decimal` holds a number as `decimalOf` writes it. It is hashed as a Set, since nothing in a JSON text can pass for one. */
class Decimal {
  readonly decimal: string;

  constructor(decimal: string) {
    this.decimal = decimal;
  }

  toJSON(): Set<string> {
    return new Set([this.decimal]);
  }
}
