import {
  Archive,
  CircleCheck,
  CircleHelp,
  CircleX,
  FileWarning,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  Undo2,
} from 'lucide-react';
import type { KeyRow, ShownState } from '../../../server/admin/contract/contract.ts';
import { WORDS } from '../../lib/words.ts';

interface Look {
  readonly label: string;
  readonly icon: LucideIcon;
  readonly colour: string;
  readonly bar: string;
}

const SUCCESS = {
  label: 'Completed',
  icon: CircleCheck,
  colour: 'text-success bg-success-soft',
  bar: 'bg-success',
};
const ERROR = { label: 'Error', icon: CircleX, colour: 'text-error bg-error-soft', bar: 'bg-error' };

const LOOKS = {
  running: {
    label: 'Running',
    icon: LoaderCircle,
    colour: 'text-running bg-running-soft',
    bar: 'bg-running',
  },
  completed: SUCCESS,
  released: { label: 'Released', icon: Undo2, colour: 'text-released bg-released-soft', bar: 'bg-released' },
  in_doubt: {
    label: 'In doubt',
    icon: CircleHelp,
    colour: 'text-in-doubt bg-in-doubt-soft',
    bar: 'bg-in-doubt',
  },
  lapsed: { label: 'Lapsed', icon: Hourglass, colour: 'text-lapsed bg-lapsed-soft', bar: 'bg-lapsed' },
  expired: { label: 'Expired', icon: Archive, colour: 'text-expired bg-expired-soft', bar: 'bg-expired' },
  unreadable: {
    label: 'Unreadable',
    icon: FileWarning,
    colour: 'text-unreadable bg-unreadable-soft',
    bar: 'bg-unreadable',
  },
} as const satisfies Record<ShownState, Look>;

export function lookOf({ state, outcome }: Pick<KeyRow, 'state' | 'outcome'>): Look {
  return state === 'completed' && outcome === 'error' ? ERROR : LOOKS[state];
}

interface StateBadgeProps extends Pick<KeyRow, 'state' | 'outcome'> {
  readonly size?: 'normal' | 'large';
}

/** Shows a state by a colour, an icon and a word: never by a colour alone. */
export function StateBadge({ size = 'normal', ...row }: StateBadgeProps) {
  const { label, icon: Icon, colour } = lookOf(row);
  const moves = row.state === 'running' ? 'turns' : '';
  const space = size === 'large' ? 'px-2.5 py-1 text-sm' : 'px-1.5 py-0.5 text-xs';
  return (
    <span
      title={WORDS[label]}
      className={`inline-flex items-center gap-1 rounded-md font-semibold whitespace-nowrap ${space} ${colour}`}
    >
      <Icon
        aria-hidden
        className={`${size === 'large' ? 'size-4' : 'size-3.5'} ${moves}`}
        strokeWidth={2.25}
      />
      {label}
    </span>
  );
}
