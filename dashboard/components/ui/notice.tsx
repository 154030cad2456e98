import { CircleAlert, Info, type LucideIcon, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

const TONES = {
  info: [Info, 'bg-accent-soft', 'text-accent'],
  warning: [TriangleAlert, 'bg-in-doubt-soft', 'text-in-doubt'],
  problem: [CircleAlert, 'bg-danger-soft', 'text-danger'],
} as const satisfies Record<string, readonly [LucideIcon, string, string]>;

interface NoticeProps {
  readonly tone: keyof typeof TONES;
  readonly title?: string;
  readonly role?: 'alert' | 'status';
  readonly children?: ReactNode;
}

export function Notice({ tone, title, role, children }: NoticeProps) {
  const [Icon, background, colour] = TONES[tone];
  return (
    <div role={role} className={`flex gap-2.5 rounded-lg px-3 py-2.5 ${background}`}>
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${colour}`} />
      <div className="min-w-0 flex-1 wrap-anywhere">
        {title && <p className="font-semibold">{title}</p>}
        {children}
      </div>
    </div>
  );
}
