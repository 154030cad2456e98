import { readFile } from 'node:fs/promises';
import { Argument, type Command, Option } from 'commander';
import type { JobDraft } from '../../admin/bulk/bulk.ts';
import type { KeyFilter } from '../../admin/contract/contract.ts';
import type { BulkAction } from '../../admin/contract/job.ts';
import { givenText, withReason } from '../asked.ts';
import { withExamples } from '../examples.ts';
import { planText, printDraft } from '../jobs/job-text.ts';
import { carryOut, type Flags } from '../jobs/run-job.ts';
import { type ConnectionOptions, withBodies } from '../session/connection.ts';
import { withRerunners } from '../session/rerunners.ts';
import { inSession, type KeysSession, refuse } from '../session/session.ts';
import { countOf } from '../terminal/listing.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type FilterOptions, filterOf, withFilter } from './key-filter.ts';

interface BulkOptions extends ConnectionOptions, FilterOptions, Flags {
  readonly ids?: string;
  readonly response?: string;
  readonly reason: string;
  readonly by: string;
  readonly commandKey: string;
  readonly dryRun?: boolean;
  readonly rerunners?: string;
  readonly json?: boolean;
}

const ACTIONS: Readonly<Record<string, BulkAction>> = {
  'allow-retry': 'allow_retry',
  expire: 'expire',
  fail: 'fail',
};

/** `latchkey keys bulk`. */
export function bulk(group: Command, terminal: Terminal): void {
  const action = new Argument('<action>', 'what is done to each key').choices(Object.keys(ACTIONS));
  const command = withReason(withFilter(withRerunners(withBodies(group.command('bulk').addArgument(action)))))
    .summary('act on all keys of a filter')
    .description(
      'Acts on all keys of a filter, up to 10,000, as a bulk job of the dashboard does: it says which keys they are by state, wants their number, and then acts on each as it was seen. What has become of each key stands on standard output; the plan and the progress on standard error. Ctrl-C cancels the job.',
    )
    .option(
      '--ids <file>',
      'these keys instead of a filter, an id at the beginning of each line; - is standard input',
    )
    .option('--response <message>', 'the message of the error that `fail` stores; @file reads a file')
    .option('--confirm <number>', 'start when the plan has so many keys, and do not ask', countOf)
    .option('--yes-expire', 'confirm what can not be taken back: the word expire')
    .option('--yes-may-repeat', 'confirm that effects may happen twice')
    .addOption(
      new Option('--dry-run', 'say which keys it would act on, and change nothing').conflicts('confirm'),
    )
    .option('--json', 'print one document of JSON: job, items')
    .action((name: string, options: BulkOptions, command: Command) =>
      inSession(terminal, command, options, (session) =>
        run(session, terminal, ACTIONS[name] as BulkAction, options),
      ),
    );
  withExamples(command, [
    'latchkey keys bulk expire --scope acme --reason "acme has left us" --dry-run',
    'latchkey keys bulk expire --scope acme --reason "acme has left us" --confirm 412 --yes-expire --yes-may-repeat',
    'latchkey keys bulk fail --state in_doubt --operation chargeCard --reason "provider lost them" --response "Not charged"',
    'latchkey keys list --state attention | latchkey keys bulk allow-retry --ids - --reason "outage is over" --confirm 17 --yes-may-repeat',
  ]);
}

async function run(
  session: KeysSession,
  terminal: Terminal,
  action: BulkAction,
  options: BulkOptions,
): Promise<void> {
  const { json, reason, commandKey, dryRun } = options;
  const chosen = await chosenKeys(terminal, options);
  const error = await givenText(terminal, options.response);
  const plan = { action, reason, commandKey, ...chosen, ...(error !== undefined && { error }) };
  // Nobody can type the number: nothing is written, and whoever reads this can give it.
  if (dryRun || (options.confirm === undefined && !terminal.canAsk)) {
    const draft = await draftOf(session, plan);
    terminal.note(planText(action, draft, draft.rows));
    if (dryRun) return printDraft(terminal, json, draft);
    if (draft.total === 0) return terminal.note('There is nothing to do.');
    const why = `Confirm the number of keys (--confirm ${draft.total})`;
    return refuse(terminal, json, { why, code: 'confirm_count' });
  }
  const planned = await session.api.bulk.plan(plan);
  await carryOut(session, terminal, planned, options);
}

interface ChosenKeys {
  readonly filter?: KeyFilter;
  readonly ids?: string[];
}

async function chosenKeys(terminal: Terminal, options: BulkOptions): Promise<ChosenKeys> {
  const filter = filterOf(options);
  if (options.ids === undefined) return { filter };
  if (Object.keys(filter).length > 0)
    throw new Error('Expected --ids, or options that filter keys, not both');
  const text = options.ids === '-' ? await terminal.input() : await readFile(options.ids, 'utf8');
  const ids = text
    .split('\n')
    .flatMap((line) => line.trim().split(/\s/, 1))
    .filter(Boolean);
  return { ids };
}

type JobPlan = ChosenKeys & {
  readonly action: BulkAction;
  readonly reason: string;
  readonly commandKey: string;
  readonly error?: string;
};

async function draftOf({ services, operator }: KeysSession, plan: JobPlan): Promise<JobDraft> {
  const [{ draftJob }, { jobPlan }, { inputProblems }] = await Promise.all([
    import('../../admin/bulk/bulk.ts'),
    import('../../admin/api/schemas.ts'),
    import('../../admin/api/input-problems.ts'),
  ]);
  const checked = jobPlan.safeParse(plan);
  if (!checked.success) throw new Error(inputProblems(checked.error, plan));
  return draftJob(services, operator, checked.data);
}
