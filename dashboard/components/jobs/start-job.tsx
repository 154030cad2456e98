import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Job } from '../../../server/admin/contract/job.ts';
import { api, messageOf } from '../../api.ts';
import { useJobCommand } from '../../hooks/use-job-command.ts';
import { formatCount, plural } from '../../lib/format.ts';
import { RepeatTick } from '../key/repeat-tick.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmField } from '../ui/confirm-field.tsx';
import { Field, inputClass } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';

/**
 * Starts a planned job. The operator types the number of its keys, and gives whatever the action asks for on one key.
 */
export function StartJob({ job }: { job: Job }) {
  const { id, total, confirm: word, mayRepeat } = job;
  const [form, setForm] = useState({ count: '', confirm: '', mayRepeat: false });
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
      ...(word !== null && { confirm: form.confirm }),
      ...(mayRepeat > 0 && { mayRepeat: form.mayRepeat }),
    };
    start.mutate((commandKey) => api.bulk.start.mutate({ id, count: total, ...confirmed, commandKey }));
  }

  return (
    <form ref={formElement} noValidate onSubmit={submit} className="grid w-full gap-3">
      <div className="flex flex-wrap items-end gap-3">
        {word !== null && (
          <div className="w-64">
            <ConfirmField
              word={word}
              value={form.confirm}
              problem={problems.confirm}
              onChange={(confirm) => set({ confirm })}
            />
          </div>
        )}
        <div className="w-64">
          <Field label={`Type ${total} to start`} problem={problems.count ?? null}>
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                autoComplete="off"
                className={inputClass}
                value={form.count}
                onChange={(event) => set({ count: event.target.value })}
              />
            )}
          </Field>
        </div>
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

interface Problems {
  readonly count?: string;
  readonly confirm?: string;
  readonly mayRepeat?: string;
}

function problemsOf(
  { total, confirm, mayRepeat }: Job,
  form: { readonly count: string; readonly confirm: string; readonly mayRepeat: boolean },
): Problems {
  return {
    ...(form.count.trim() !== String(total) && { count: `The plan has ${formatCount(total)} keys.` }),
    ...(confirm !== null && form.confirm !== confirm && { confirm: `Type ${confirm}.` }),
    ...(mayRepeat > 0 &&
      !form.mayRepeat && {
        mayRepeat: `Confirm that the effect of ${plural(mayRepeat, 'key')} may happen twice.`,
      }),
  };
}
