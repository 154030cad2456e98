import { type KeyHistory, nameOf } from './history.ts';

/** The history of one key as text, a line for each thing that happened. */
export function showHistory(history: KeyHistory): string {
  const { sent, answers, effects, told, written } = history;
  const lines: (readonly [at: number, line: string])[] = [
    ...sent.map(({ at, amount, to }) => [at, `client: sends amount ${amount} to ${to}`] as const),
    ...answers.map((answer) => {
      const got = answer.receipt
        ? `the answer of fence ${answer.receipt.fence}${answer.ran === undefined ? ' (replayed)' : ''}`
        : answer.error;
      const when = answer.isFinal ? ', after all faults' : '';
      return [answer.at, `client: amount ${answer.amount} gets ${got} from ${answer.from}${when}`] as const;
    }),
    ...effects.map(({ at, by, fence }) => [at, `${by}: EFFECT of fence ${fence}`] as const),
    ...told.map(({ at, by, type, fence, reason }) => {
      const more = `${fence === undefined ? '' : ` fence ${fence}`}${reason ? ` (${reason})` : ''}`;
      return [at, `${by}: ${type}${more}`] as const;
    }),
    ...written.map(
      ({ at, before, after }) => [at, `record: ${shown(before)} becomes ${shown(after)}`] as const,
    ),
  ];
  const shownLines = lines
    .toSorted(([one], [other]) => one - other)
    .map(([at, line]) => `${at.toFixed(0).padStart(8)} ms  ${line}`);
  return [`Key ${nameOf(history)}, ${JSON.stringify(history.rules)}:`, ...shownLines].join('\n');
}

function shown(fields: KeyHistory['written'][number]['after']): string {
  if (!fields) return 'nothing';
  const { state, fence, leaseExpiresAt, expiresAt } = fields;
  const lease = state === 'running' ? `, lease until ${iso(leaseExpiresAt)}` : '';
  return `${state} (fence ${fence}${lease}, expires ${iso(expiresAt)})`;
}

const iso = (date: unknown) => (date instanceof Date ? date.toISOString().slice(11) : 'never');
