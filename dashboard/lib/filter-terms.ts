import type { KeyFilter } from '../../server/admin/contract/contract.ts';
import { durationToken, parseDuration } from './duration.ts';

export const FILTER_STATES = [
  'attention',
  'in_doubt',
  'lapsed',
  'running',
  'completed',
  'released',
  'expired',
  'unreadable',
] as const satisfies readonly NonNullable<KeyFilter['state']>[];

/** A term is one chip of the filter: `state:in_doubt`. */
export interface Term {
  readonly name: TermName;
  readonly value: string;
}

export const TERM_NAMES = ['state', 'scope', 'op', 'key', 'age', 'started', 'error'] as const;
export type TermName = (typeof TERM_NAMES)[number];

export interface Search {
  readonly terms: readonly Term[];
  /** The problem says what is wrong with what was typed; nothing is guessed. */
  readonly problem: string | null;
}

export function filterOf(terms: readonly Term[]): KeyFilter {
  return Object.assign({}, ...terms.map(fieldsOf));
}

export function termsFrom(filter: KeyFilter): readonly Term[] {
  const { state, scope, operation, key, error } = filter;
  const age = ageToken(filter);
  const started = startedToken(filter);
  const failed = error === undefined ? error : yesNo(error);
  const values = { state, scope, op: operation, key, age, started, error: failed };
  return TERM_NAMES.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [{ name, value }];
  });
}

function fieldsOf({ name, value }: Term): KeyFilter {
  switch (name) {
    case 'state':
      return { state: value as NonNullable<KeyFilter['state']> };
    case 'scope':
      return { scope: value };
    case 'op':
      return { operation: value };
    case 'key':
      return { key: value };
    case 'age':
      return agesOf(value) ?? {};
    case 'started':
      return timesOf(value) ?? {};
    case 'error':
      return { error: value === 'yes' };
    default:
      return name satisfies never;
  }
}

/** Says what is wrong with a term; null when nothing is. */
export function problemOf({ name, value }: Term): string | null {
  const longest = LONGEST[name];
  if (longest !== undefined && (value === '' || value.length > longest)) {
    return `Expected ${name}: to be a text of 1 to ${longest} characters, got ${value === '' ? 'nothing' : value.length}`;
  }
  if (name === 'state' && !FILTER_STATES.some((state) => state === value)) {
    return `Expected state: to be one of ${FILTER_STATES.join(', ')}, got ${value || 'nothing'}`;
  }
  if (name === 'age' && agesOf(value) === undefined) {
    return `Expected age: to be like >5m, <1h or 5m..1h, got ${value || 'nothing'}`;
  }
  if (name === 'started' && timesOf(value) === undefined) {
    return `Expected started: to be like 2026-01-31T08:00:00Z..2026-01-31T09:30:00Z, got ${value || 'nothing'}`;
  }
  if (name === 'error' && value !== 'yes' && value !== 'no') {
    return `Expected error: to be yes or no, got ${value || 'nothing'}`;
  }
  return null;
}

const LONGEST: { readonly [name in TermName]?: number } = { scope: 1_024, op: 4_096, key: 255 };

function agesOf(text: string): KeyFilter | undefined {
  const range = /^(.+)\.\.(.+)$/.exec(text);
  const older = range?.[1] ?? (text.startsWith('>') ? text.slice(1) : undefined);
  const newer = range?.[2] ?? (text.startsWith('<') ? text.slice(1) : undefined);
  const olderThanMs = older === undefined ? undefined : parseDuration(older);
  const newerThanMs = newer === undefined ? undefined : parseDuration(newer);
  const ages = {
    ...(olderThanMs === undefined ? {} : { olderThanMs }),
    ...(newerThanMs === undefined ? {} : { newerThanMs }),
  };
  const asked = Number(older !== undefined) + Number(newer !== undefined);
  return asked > 0 && asked === Object.keys(ages).length ? ages : undefined;
}

function ageToken({ olderThanMs, newerThanMs }: KeyFilter): string | undefined {
  if (olderThanMs !== undefined && newerThanMs !== undefined) {
    return `${durationToken(olderThanMs)}..${durationToken(newerThanMs)}`;
  }
  if (olderThanMs !== undefined) return `>${durationToken(olderThanMs)}`;
  return newerThanMs === undefined ? undefined : `<${durationToken(newerThanMs)}`;
}

/** Reads the time from one second on, and before another one. */
function timesOf(text: string): KeyFilter | undefined {
  const [, from, before] = /^(\d{4}-[\dT:-]+Z)\.\.(\d{4}-[\dT:-]+Z)$/.exec(text) ?? [];
  const times = { startedFrom: Date.parse(from ?? ''), startedBefore: Date.parse(before ?? '') };
  return times.startedFrom < times.startedBefore ? times : undefined;
}

function startedToken({ startedFrom, startedBefore }: KeyFilter): string | undefined {
  if (startedFrom === undefined || startedBefore === undefined) return undefined;
  return [startedFrom, startedBefore].map((ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`).join('..');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
