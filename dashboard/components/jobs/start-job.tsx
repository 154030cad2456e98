import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Job } from '../../../server/admin/contract/job.ts';
import { api, messageOf } from '../../api.ts';
import { useJobCommand } from '../../hooks/use-job-command.ts';
import { plural } from '../../lib/format.ts';
import { RepeatTick } from '../key/repeat-tick.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmField } from '../ui/confirm-field.tsx';
import { Notice } from '../ui/notice.tsx';

/**
 * Starts a planned job. The operator types the number of its keys, behind the word that the action asks for on one key, and ticks what is
 * to be ticked for one.
 */
export function StartJob({ job }: { job: Job }) {
  const { id, total, confirm: word, mayRepeat } = job;
  const [form, setForm] = useState({ confirm: '', mayRepeat: false });
  const [tried, setTried] = useState(false);
  const set = (change: Partial<typeof form>) => setForm({ ...form, ...change });
  const formElement = useRef<HTMLFormElement>(null);
  // Who has just made the plan goes on here, once it is shown.
  useEffect(() => {
    if (!history.state?.planned) return;
    history.replaceState(null, '');
    formElement.current?.querySelector('input')?.focus();
  }, []);
  const start = useJobCommand('The job has started.');
  const problems = tried ? problemsOf(job, form) : {};

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problemsOf(job, form)).length > 0) return;
    const confirmed = {
      ...(word !== null && { confirm: word }),
      ...(mayRepeat > 0 && { mayRepeat: form.mayRepeat }),
    };
    start.mutate((commandKey) => api.bulk.start.mutate({ id, count: total, ...confirmed, commandKey }));
  }

  return (
    <form ref={formElement} noValidate onSubmit={submit} className="grid w-full gap-3">
      <div className="w-64 max-w-full">
        <ConfirmField
          word={wordOf(job)}
          to="start"
          value={form.confirm}
          problem={problems.confirm}
          onChange={(confirm) => set({ confirm })}
        />
      </div>
      {mayRepeat > 0 && (
        <RepeatTick
          checked={form.mayRepeat}
          problem={problems.mayRepeat}
          onChange={(ticked) => set({ mayRepeat: ticked })}
        />
      )}
      <div>
        <Button type="submit" tone="danger" disabled={start.isPending}>
          Start the job
        </Button>
      </div>
      {start.error && <Notice tone="problem" role="alert" title={messageOf(start.error)} />}
    </form>
  );
}

/** Makes the text that starts a job: `expire 12`, or the number alone. */
const wordOf = ({ total, confirm }: Job) => (confirm === null ? String(total) : `${confirm} ${total}`);

interface Problems {
  readonly confirm?: string;
  readonly mayRepeat?: string;
}

function problemsOf(job: Job, form: { readonly confirm: string; readonly mayRepeat: boolean }): Problems {
  const { total, mayRepeat } = job;
  return {
    ...(form.confirm.trim().replace(/\s+/g, ' ') !== wordOf(job) && {
      confirm: `Type ${wordOf(job)}. The plan has ${plural(total, 'key')}.`,
    }),
    ...(mayRepeat > 0 &&
      !form.mayRepeat && {
        mayRepeat: `Confirm that the effect of ${plural(mayRepeat, 'key')} may happen twice.`,
      }),
  };
}
