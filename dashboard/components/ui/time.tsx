import { useServerNow } from '../../hooks/use-server-now.ts';
import { formatAge } from '../../lib/duration.ts';
import { formatLocal, formatUtc, isoTime } from '../../lib/format.ts';

/** Shows how long ago a moment was, by the server's clock; the exact moment is in the tooltip. */
export function Ago({ at, suffix = ' ago' }: { at: number | null; suffix?: string }) {
  const now = useServerNow();
  if (at === null) return <Unknown />;
  return <Moment at={at} text={`${formatAge(now - at)}${suffix}`} />;
}

interface UntilProps {
  readonly at: number | null;
  /** The word stands before how long the moment has been over. */
  readonly over: string;
  /** The word stands before how long it is until then. */
  readonly ahead?: string;
}

/** Shows how long it is until a moment, or for how long it has been over. */
export function Until({ at, over, ahead = 'in' }: UntilProps) {
  const now = useServerNow();
  if (at === null) return <Unknown />;
  if (at >= FOR_EVER) return <Moment at={at} text="never" />;
  const left = at - now;
  return (
    <Moment at={at} text={left > 0 ? `${ahead} ${formatAge(left)}` : `${over} ${formatAge(-left)} ago`} />
  );
}

/** Shows the exact second, in UTC and, where that differs, by the operator's own clock. */
export function Utc({ at }: { at: number | null }) {
  if (at === null) return <Unknown />;
  const local = formatLocal(at);
  return (
    <>
      <Moment at={at} text={formatUtc(at).replace(/\.\d+ UTC$/, ' UTC')} />
      {local !== null && <span className="text-muted"> · {local}</span>}
    </>
  );
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

function Moment({ at, text }: { at: number; text: string }) {
  const local = formatLocal(at);
  return (
    <time
      dateTime={isoTime(at) ?? undefined}
      title={local === null ? formatUtc(at) : `${formatUtc(at)} · ${local}`}
      className="whitespace-nowrap"
    >
      {text}
    </time>
  );
}
