const counts = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

export function formatCount(count: number): string {
  return counts.format(count);
}

/** Writes a count in short, `12.3K`: for axes and tiles, next to an exact number elsewhere. */
export function formatCompact(count: number): string {
  return compact.format(count);
}

const rates = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });

/** Writes a rate with two digits that count: `0.25`, `12`. */
export function formatRate(rate: number): string {
  return rates.format(rate);
}

export function formatRatio(ratio: number): string {
  return percents.format(ratio);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Writes the exact moment, in UTC: `2026-03-01 09:30:12.345 UTC`. */
export function formatUtc(at: number): string {
  const iso = isoTime(at);
  return iso === null ? `${at} ms after 1970` : iso.replace('T', ' ').replace('Z', ' UTC');
}

const localTime = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const localDay = new Intl.DateTimeFormat('en-CA');

/**
 * Writes a moment by the clock of the browser's own place, `10:30:12 CET`, with the day where it is not that of UTC;
 * null where the clock is that of UTC, or the moment can not be written.
 */
export function formatLocal(at: number): string | null {
  const iso = isoTime(at);
  const date = new Date(at);
  if (iso === null || date.getTimezoneOffset() === 0) return null;
  const day = localDay.format(date);
  return `${day === iso.slice(0, 10) ? '' : `${day} `}${localTime.format(date)}`;
}

/** Writes a time in ISO form; null for a time that a Date can not hold. */
export function isoTime(at: number): string | null {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Writes the label of an axis, in UTC: `09:30` or, for a window of days, `Mar 1`. */
export function formatTick(at: number, widthMs: number): string {
  const days = widthMs > 36 * 3_600_000;
  return new Date(at).toLocaleString('en-GB', {
    timeZone: 'UTC',
    ...(days ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' }),
  });
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
