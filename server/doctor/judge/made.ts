import type { Asked } from '../facts.ts';
import type { Finding, FindingState, Topic } from '../finding.ts';

interface Extra {
  readonly about?: string;
  readonly fix?: string | null;
}

const maker =
  (state: FindingState) =>
  (topic: Topic, text: string, { about, fix }: Extra = {}): Finding => ({
    topic,
    about: about ?? null,
    state,
    text,
    fix: fix ?? null,
  });

export const ok = maker('ok');
export const warn = maker('warn');
export const fail = maker('fail');
export const unknown = maker('unknown');

/** Judges what is known; what is not is said to be unknown, with the reason. */
export function judged<T>(
  asked: Asked<T>,
  topic: Topic,
  judge: (known: T) => Finding,
  { what = 'This could not be asked', ...extra }: Extra & { readonly what?: string } = {},
): Finding {
  return 'known' in asked ? judge(asked.known) : unknown(topic, `${what}: ${asked.unknown}.`, extra);
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Writes a time as people read it. */
export function timeText(ms: number): string {
  const size = Math.abs(ms);
  if (size < 10) return `${round(ms, 10)} ms`;
  if (size < SECOND) return `${Math.round(ms)} ms`;
  if (size < 2 * MINUTE) return `${round(ms / SECOND, 10)} s`;
  if (size < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  return size < 2 * DAY ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / DAY)} days`;
}

/** Lets a sentence begin with a capital letter. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const round = (value: number, by: number) => Math.round(value * by) / by;
