import { Ban, CircleCheck, ClipboardList, LoaderCircle, type LucideIcon, PauseCircle } from 'lucide-react';
import type { JobState } from '../../../server/admin/contract/job.ts';

const LOOKS = {
  planned: ['Planned', ClipboardList, 'text-released bg-released-soft'],
  running: ['Running', LoaderCircle, 'text-running bg-running-soft'],
  paused: ['Paused', PauseCircle, 'text-in-doubt bg-in-doubt-soft'],
  done: ['Done', CircleCheck, 'text-success bg-success-soft'],
  cancelled: ['Cancelled', Ban, 'text-expired bg-expired-soft'],
} as const satisfies Record<JobState, readonly [string, LucideIcon, string]>;

export function JobBadge({ state }: { state: JobState }) {
  const [label, Icon, colour] = LOOKS[state];
  return (
    <span
      className={`inline-flex items-center gap-1 rounded-md px-1.5 py-0.5 text-xs font-semibold ${colour}`}
    >
      <Icon aria-hidden className={`size-3.5 ${state === 'running' ? 'turns' : ''}`} strokeWidth={2.25} />
      {label}
    </span>
  );
}
