import { isObjectId } from '../admin/collections/records.ts';
import { checkOptions, type Origin } from '../engine/check-options.ts';
import {
  aBoolean,
  aFunction,
  anything,
  type Check,
  integer,
  isObject,
  oneOf,
  required,
} from '../engine/option-checks.ts';
import { whatCame } from '../engine/what-came.ts';
import type { EraseOptions } from './erase-scope.ts';
import type {
  ActionOptions,
  CompleteOptions,
  FailOptions,
  KeyAddress,
  MayRepeatOptions,
} from './key-operator.ts';
import type { ResolvePendingOptions } from './pending-result.ts';

/** Checks a text by its length, without the blanks around it: blanks alone are no reason. */
export const aText = (shortest: number, longest: number): Check => ({
  expected: `a text of ${shortest} to ${longest.toLocaleString('en')} characters`,
  accepts: (value) => typeof value === 'string' && value.trim().length >= shortest && value.length <= longest,
});

const REASON = required(aText(8, 1_000));
const ACTION = { reason: REASON, commandKey: aText(1, 100) } satisfies Record<keyof ActionOptions, Check>;
const ANSWER = { ...ACTION, api: oneOf('graphql', 'trpc', 'http', 'run') };
const MAY_REPEAT: Record<keyof MayRepeatOptions, Check> = { ...ACTION, mayRepeat: aBoolean };

/** The options of each method. */
const COMMANDS = {
  complete: { ...ANSWER, data: required(anything) } satisfies Record<keyof CompleteOptions, Check>,
  fail: {
    ...ANSWER,
    error: required({
      expected: 'the message of the error, or an Error with one',
      accepts: (value) => messageOf(value) !== undefined,
    }),
  } satisfies Record<keyof FailOptions, Check>,
  allowRetry: MAY_REPEAT,
  expire: MAY_REPEAT,
  erase: {
    scope: required(aText(1, 1_024)),
    reason: REASON,
    secret: {
      expected: 'a text or bytes, 16 or more',
      accepts: (value) => (typeof value === 'string' || value instanceof Uint8Array) && value.length >= 16,
    },
  } satisfies Record<keyof EraseOptions, Check>,
  resolvePending: {
    limit: integer(1, 10_000),
    resolve: aFunction,
    operation: aText(1, 1_024),
    concurrency: integer(1, 32),
    reason: aText(8, 1_000),
    after: {
      expected: 'the `next` of an earlier resolvePending(...)',
      accepts: (value) => typeof value === 'string' && isObjectId(value),
    },
    signal: { expected: 'an AbortSignal', accepts: (value) => isObject(value) && 'aborted' in value },
  } satisfies Record<keyof ResolvePendingOptions, Check>,
} as const;

/**
 * Checks what a method was given. A misspelt option is an error: to go on without it could repeat an effect.
 * @throws TypeError
 */
export function checkCommand(method: keyof typeof COMMANDS, options: unknown): void {
  const origin: Origin = { of: `operator.${method}` };
  checkOptions(options, COMMANDS[method] as Record<never, Check>, origin);
}

/** @throws TypeError for an address that is none */
export function checkAddress(address: KeyAddress): void {
  const { scope, key, revision } = isObject(address) ? (address as Partial<KeyAddress>) : {};
  for (const [name, value] of Object.entries({ scope, key })) {
    if (typeof value === 'string' && value !== '') continue;
    throw new TypeError(
      `Expected the address of a key, such as { scope: 'user-1', key: 'k-1' }, got ${isObject(address) ? `\`${name}\` ${whatCame(value)}` : whatCame(address)}`,
    );
  }
  if (revision !== undefined && typeof revision !== 'string')
    throw new TypeError(
      `Expected \`revision\` to be what operator.find(...) gave, got ${whatCame(revision)}`,
    );
}

/** The message of what `fail` was given; undefined where there is none. */
export function messageOf(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : error;
  return typeof message === 'string' && message.trim() !== '' ? message : undefined;
}
