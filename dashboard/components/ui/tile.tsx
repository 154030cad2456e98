import { CircleCheck, CircleHelp, CircleX, Hourglass, LoaderCircle } from 'lucide-react';
import { Link } from 'wouter';
import type { Count, KeyFilter } from '../../../server/admin/contract/contract.ts';
import { formatCount } from '../../lib/format.ts';
import { listPath } from '../../lib/list-address.ts';

const TONES = {
  'in-doubt': [CircleHelp, 'text-in-doubt', 'border-in-doubt/50 bg-in-doubt-soft'],
  lapsed: [Hourglass, 'text-lapsed', 'border-lapsed/50 bg-lapsed-soft'],
  error: [CircleX, 'text-error', 'border-error/50 bg-error-soft'],
  running: [LoaderCircle, 'text-running', ''],
} as const;

interface TileProps {
  readonly label: string;
  readonly count: Count;
  readonly tone: keyof typeof TONES;
  readonly filter: KeyFilter;
  readonly note: string;
}

/** Shows how many keys of a kind there are, and leads to them. It is loud only when there are some. */
export function Tile({ label, count, tone, filter, note }: TileProps) {
  const [ToneIcon, colour, loud] = TONES[tone];
  const none = count.count === 0;
  const Icon = none && tone !== 'running' ? CircleCheck : ToneIcon;
  return (
    <Link
      href={listPath(filter)}
      className={`card group grid content-start gap-0.5 px-4 py-3 motion-safe:transition-colors hover:border-line-strong ${none ? '' : loud}`}
    >
      <span className={`flex items-center gap-1.5 text-xs font-semibold ${none ? 'text-muted' : colour}`}>
        <Icon aria-hidden className="size-3.5" strokeWidth={2.25} />
        {label}
      </span>
      <span className="text-2xl leading-8 font-semibold tracking-tight">
        {formatCount(count.count)}
        {count.capped && <span title="At least so many">+</span>}
      </span>
      <span className={`text-xs ${none ? 'text-muted' : 'text-ink/80'} group-hover:underline`}>
        {none ? 'none now' : note}
      </span>
    </Link>
  );
}

/** Shows a number that leads nowhere; null where nothing ran. */
export function Figure({ label, value, note }: { label: string; value: string | null; note: string }) {
  return (
    <div className="card grid content-start gap-0.5 px-4 py-3">
      <span className="text-xs font-semibold text-muted">{label}</span>
      <span className="text-2xl leading-8 font-semibold tracking-tight">{value ?? '–'}</span>
      <span className="text-xs text-muted">{value === null ? 'nothing ran' : note}</span>
    </div>
  );
}
