const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS = [
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
] as const;

/** Reads `90m`, `2h`, `30s`, `1.5d` as milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text);
  const unit = UNITS.find(([name]) => name === match?.[2]);
  return match && unit ? Math.round(Number(match[1]) * unit[1]) : undefined;
}

/** Writes a duration as {@link parseDuration} reads it, in the largest unit that divides it. */
export function durationToken(ms: number): string {
  for (const [name, size] of UNITS) {
    if (ms >= size && ms % size === 0) return `${ms / size}${name}`;
  }
  return `${Math.round(ms) / SECOND}s`;
}

/** Says how long something took: `340 ms`, `1.2 s`, `3 min 20 s`. */
export function formatDuration(ms: number): string {
  const positive = Math.max(0, ms);
  if (positive < SECOND) return `${Math.round(positive)} ms`;
  if (positive < 10 * SECOND) return `${(positive / SECOND).toFixed(1)} s`;
  return twoUnits(positive);
}

/** Writes a duration that is round in its unit: `0`, `250 ms`, `15 s`, `5 min`. */
export function formatRoundDuration(ms: number): string {
  if (ms === 0) return '0';
  return ms < SECOND || ms % SECOND !== 0 ? formatDuration(ms) : twoUnits(ms);
}

/** Says how long ago something was, in whole units: `12 s`, `3 min`, `2 h 5 min`, `4 d`. It is never negative. */
export function formatAge(ms: number): string {
  return twoUnits(Math.max(0, ms));
}

function twoUnits(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return joined(ms, MINUTE, 'min', ms < 10 * MINUTE ? SECOND : 0, 's');
  if (ms < DAY) return joined(ms, HOUR, 'h', MINUTE, 'min');
  return joined(ms, DAY, 'd', ms < 10 * DAY ? HOUR : 0, 'h');
}

function joined(ms: number, size: number, unit: string, rest: number, restUnit: string): string {
  const whole = `${Math.floor(ms / size)} ${unit}`;
  const parts = rest === 0 ? 0 : Math.floor((ms % size) / rest);
  return parts === 0 ? whole : `${whole} ${parts} ${restUnit}`;
}
