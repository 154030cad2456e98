import { type Command, InvalidArgumentError, Option } from 'commander';
import type { KeyFilter } from '../../admin/contract/contract.ts';

export interface FilterOptions {
  readonly state?: NonNullable<KeyFilter['state']>;
  readonly scope?: string;
  readonly key?: string;
  readonly operation?: string;
  readonly olderThan?: number;
  readonly newerThan?: number;
  readonly error?: boolean;
}

const STATES: readonly NonNullable<KeyFilter['state']>[] = [
  'attention',
  'running',
  'completed',
  'released',
  'in_doubt',
  'lapsed',
  'expired',
  'unreadable',
];

/** Adds the options that say which keys a command is about: those of the page's list. */
export function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--state <state>', 'only keys that stand so now').choices(STATES))
    .option('--scope <text>', 'only keys of this scope, exactly')
    .option('--key <text>', 'only keys with this text, as the client sent it')
    .option(
      '--operation <name>',
      'only keys of this operation, such as chargeCard, orders.create or "POST /payments"',
    )
    .option('--older-than <age>', 'only keys that started at least so long ago: 90s, 5m, 2h, 7d', ageOf)
    .option('--newer-than <age>', 'only keys that started at most so long ago', ageOf)
    .option('--error', 'only keys that were completed with an error');
}

export function filterOf(options: FilterOptions): KeyFilter {
  const { state, scope, key, operation, olderThan, newerThan, error } = options;
  return {
    ...(state && { state }),
    ...(scope !== undefined && { scope }),
    ...(key !== undefined && { key }),
    ...(operation !== undefined && { operation }),
    ...(olderThan !== undefined && { olderThanMs: olderThan }),
    ...(newerThan !== undefined && { newerThanMs: newerThan }),
    ...(error && { error }),
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads an age as a command takes it, in ms. */
export function ageOf(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const size = UNITS[unit];
  if (count === undefined || size === undefined)
    throw new InvalidArgumentError('Expected an age such as 90s, 5m, 2h or 7d.');
  return Number(count) * size;
}
