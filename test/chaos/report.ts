import { isDoubt, type Violation } from '../history/promises.ts';
import { showHistory } from '../history/show-history.ts';
import type { Standing } from './campaign.ts';
import { MODES } from './order.ts';

const SHOWN = 3;

interface Figures {
  keys: number;
  effects: number;
  answers: number;
  replays: number;
  doubts: number;
}

/** The figures of each mode, as rows of a Markdown table, and the last row of all. */
export function figures({ recorder }: Standing): string {
  const none = (): Figures => ({ keys: 0, effects: 0, answers: 0, replays: 0, doubts: 0 });
  const all = none();
  const byMode = new Map(MODES.map((mode) => [mode as string, none()]));
  for (const key of recorder.keys()) {
    const { answers, effects } = recorder.historyOf(key);
    for (const so of [all, byMode.get(key.mode) as Figures]) {
      so.keys++;
      so.effects += effects.length;
      so.answers += answers.length;
      so.replays += answers.filter(({ receipt, ran }) => receipt && ran === undefined).length;
      so.doubts += answers.some(isDoubt) ? 1 : 0;
    }
  }
  const row = ([mode, { keys, effects, answers, replays, doubts }]: readonly [string, Figures]) =>
    `| ${mode} | ${[keys, effects, answers, replays, doubts].map(count).join(' | ')} |`;
  return [
    '| mode | keys | effects | answers | of them replays | keys in doubt |',
    '|---|---|---|---|---|---|',
    ...[...byMode].filter(([, { keys }]) => keys > 0).map(row),
    row(['all', all]),
  ].join('\n');
}

/** Why keys were in doubt, with how many of them. */
export function doubts({ recorder }: Standing): string {
  const reasons = new Map<string, number>();
  for (const key of recorder.keys()) {
    const history = recorder.historyOf(key);
    const answer = history.answers.find(isDoubt);
    if (!answer) continue;
    const reason = history.excuse(answer) ?? 'NOTHING EXPLAINS IT';
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return shownCounts(reasons);
}

/** What was answered in place of a receipt, with how often. */
export function refusals({ recorder }: Standing): string {
  const codes = new Map<string, number>();
  for (const { answers } of recorder.keys())
    for (const { error } of answers)
      if (error !== undefined) {
        const code = error.startsWith('IDEMPOTENCY_') ? error : 'declined';
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
  return shownCounts(codes);
}

export const shownFaults = ({ faults }: Standing) => shownCounts(faults);

/** One line of how things stand. */
export function progress(seconds: number, standing: Standing): string {
  const keys = standing.recorder.keys();
  const sum = (of: (key: (typeof keys)[number]) => readonly unknown[]) =>
    keys.reduce((total, key) => total + of(key).length, 0);
  return (
    `${(seconds / 60).toFixed(1)} min: ${count(keys.length)} keys, ${count(sum((key) => key.effects))} effects, ` +
    `${count(sum((key) => key.answers))} answers; ${shownFaults(standing)}; ${standing.violations.length} violations`
  );
}

/** The first broken promises, each with the history of its key. */
export function shownViolations(violations: readonly Violation[]): string {
  const byPromise = new Map<string, number>();
  for (const { promise } of violations) byPromise.set(promise, (byPromise.get(promise) ?? 0) + 1);
  const shown = violations
    .slice(0, SHOWN)
    .map(({ promise, detail, history }) => `Broken: ${promise}\n${detail}\n${showHistory(history)}`);
  return [...shown, `${violations.length} violations: ${shownCounts(byPromise)}`].join('\n\n');
}

function shownCounts(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted(([, one], [, other]) => other - one);
  return sorted.length === 0 ? 'none' : sorted.map(([name, number]) => `${name} ${count(number)}`).join(', ');
}

const count = (number: number) => number.toLocaleString('en-US');
