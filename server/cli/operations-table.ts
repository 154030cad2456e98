import type { DescribedOperation } from '../engine/described-operation.ts';
import type { ResolvedPolicy } from '../engine/policy.ts';

const COLUMNS = [
  'operation',
  'key',
  'answer kept for',
  'a duplicate meanwhile',
  'a retry afterwards gets',
  'a retry has to repeat',
  'if the server crashes half-way',
];

/** Writes a table of Markdown for the people who call an API: what a key does for each of its operations. */
export function operationsTable(operations: readonly DescribedOperation[]): string {
  const rows = operations.map((operation) => [`\`${operation.name}\``, ...cellsOf(operation)]);
  return [COLUMNS, COLUMNS.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function cellsOf({ key, policy, byRequest }: DescribedOperation): string[] {
  if (key === 'none' || !policy) return ['has no effect', ...COLUMNS.slice(2).map(() => '')];
  return [
    `${KEY[key]}${formOf(policy)}`,
    ...[keptOf(policy), duplicateOf(policy), retryOf(policy)].map((cell) =>
      byRequest ? `${cell}; may depend on the call` : cell,
    ),
    comparedOf(policy),
    crashOf(policy),
  ];
}

const KEY = { required: 'required', optional: 'optional', by_call: 'required of some callers' } as const;

function formOf({ keyFormat }: ResolvedPolicy): string {
  if (keyFormat === 'any') return '';
  return keyFormat === 'uuid' ? ', a UUID' : ', of a certain form';
}

function keptOf({ retentionMs }: ResolvedPolicy): string {
  return typeof retentionMs === 'number' ? durationOf(retentionMs) : 'a time that depends on the result';
}

function duplicateOf({ concurrent, waitTimeoutMs }: ResolvedPolicy): string {
  return concurrent === 'wait'
    ? `waits, up to ${durationOf(waitTimeoutMs)}`
    : 'is refused at once (IDEMPOTENCY_IN_PROGRESS)';
}

function retryOf({ retain, redact }: ResolvedPolicy): string {
  if (retain === 'outcome') return 'only that it ran (IDEMPOTENCY_RESULT_NOT_RETAINED)';
  if (redact === null) return 'the same answer';
  return 'the same answer, or only that it ran where the answer held a secret (IDEMPOTENCY_RESULT_NOT_RETAINED)';
}

function comparedOf({ fingerprint: { exclude, versions } }: ResolvedPolicy): string {
  if (versions.size > 0) return 'what the server compares';
  return exclude.length === 0
    ? 'all of the input'
    : `all of the input but ${exclude.map((path) => `\`${path}\``).join(', ')}`;
}

function crashOf({ transaction, onCrash, resolve }: ResolvedPolicy): string {
  if (transaction) return 'nothing is kept, and a retry runs';
  if (onCrash === 'retry') return 'a retry goes on';
  return resolve ? 'a retry asks what happened' : 'in doubt until somebody decides (IDEMPOTENCY_IN_DOUBT)';
}

const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
] as const;

/** Says a duration in the largest unit of which there are at least two, where it is a whole number. */
function durationOf(ms: number): string {
  const whole = UNITS.filter(([unit]) => ms % unit === 0);
  const [unit, name] = whole.find(([each]) => ms >= 2 * each) ?? whole.at(-1) ?? [1, 'millisecond'];
  const count = ms / unit;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
