import type { ActionName, KeyDetail } from '../../../server/admin/contract/contract.ts';
import { ACTIONS, MARKS_FIRST } from '../../lib/actions.ts';
import { Notice } from './notice.tsx';

const MARKS = ['complete', 'fail'] as const;

interface MarkFirstProps {
  readonly action: ActionName;
  readonly detail: KeyDetail;
  readonly onOther: (action: ActionName) => void;
}

/**
 * Advises, before what may repeat an effect, to mark the key instead: whoever knows what became of the effect should
 * write that down.
 */
export function MarkFirst({ action, detail, onOther }: MarkFirstProps) {
  if (!MARKS_FIRST.has(detail.state) || MARKS.some((mark) => mark === action)) return null;
  return (
    <Notice tone="warning" title="Do you know what became of it?">
      <p>If you can find out, mark it: that can not repeat the effect.</p>
      <p className="mt-1 flex flex-wrap gap-x-4">
        {MARKS.map((mark) => (
          <button key={mark} type="button" className="link font-medium" onClick={() => onOther(mark)}>
            {ACTIONS[mark].label}
          </button>
        ))}
      </p>
    </Notice>
  );
}
