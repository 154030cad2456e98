import { useServerNow } from '../../hooks/use-server-now.ts';
import { formatAge } from '../../lib/duration.ts';
import { formatUtc, isoTime } from '../../lib/format.ts';

/** Shows how long ago a moment was, by the server's clock; the exact moment is in the tooltip. */
export function Ago({ at, suffix = ' ago' }: { at: number | null; suffix?: string }) {
  const now = useServerNow();
  if (at === null) return <Unknown />;
  return <Moment at={at} text={`${formatAge(now - at)}${suffix}`} />;
}

/** Shows how long it is until a moment, or for how long it has been over. */
export function Until({ at, over }: { at: number | null; over: string }) {
  const now = useServerNow();
  if (at === null) return <Unknown />;
  if (at >= FOR_EVER) return <Moment at={at} text="never" />;
  const left = at - now;
  return <Moment at={at} text={left > 0 ? `in ${formatAge(left)}` : `${over} ${formatAge(-left)} ago`} />;
}

export function Utc({ at }: { at: number | null }) {
  return at === null ? <Unknown /> : <Moment at={at} text={formatUtc(at)} wrap />;
}

export function Unknown() {
  return (
    <span className="text-muted">
      <span aria-hidden>–</span>
      <span className="sr-only">unknown</span>
    </span>
  );
}

/** A time from here on stands for "never": the engine's NEVER is in the year 9999. */
const FOR_EVER = Date.UTC(9999, 0);

function Moment({ at, text, wrap = false }: { at: number; text: string; wrap?: boolean }) {
  return (
    <time
      dateTime={isoTime(at) ?? undefined}
      title={formatUtc(at)}
      className={wrap ? '' : 'whitespace-nowrap'}
    >
      {text}
    </time>
  );
}
