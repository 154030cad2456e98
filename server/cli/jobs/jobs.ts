import { type Command, Option } from 'commander';
import type { Job } from '../../admin/contract/job.ts';
import { withCommandKey, withReason } from '../asked.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withBodies, withConnection } from '../session/connection.ts';
import { withRerunners } from '../session/rerunners.ts';
import { inSession } from '../session/session.ts';
import { countOf } from '../terminal/listing.ts';
import { type Columns, isoTime, printRows } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { endText, planText } from './job-text.ts';
import { carryOut, type Flags, printJob, runToItsEnd } from './run-job.ts';

interface ReadOptions extends ConnectionOptions {
  readonly json?: boolean;
}

interface JobOptions extends ReadOptions, Flags {
  readonly by: string;
  readonly commandKey: string;
  readonly rerunners?: string;
}

const EXAMPLE = '0b2a4b0e-6f5e-4c1e-9f70-3a1f0d7f7c11';

/** `latchkey jobs`. */
export function jobs(program: Command, terminal: Terminal): void {
  const group = program
    .command('jobs')
    .summary('look at bulk jobs, start, resume or cancel one')
    .description(
      'Looks at bulk jobs, those of the dashboard too, and starts, resumes or cancels one of them.',
    );
  list(group, terminal);
  show(group, terminal);
  start(group, terminal);
  resume(group, terminal);
  cancel(group, terminal);
  withExamples(group, [
    'latchkey jobs list',
    `latchkey jobs show ${EXAMPLE}`,
    'latchkey keys bulk --help    # plans one, and runs it',
  ]);
}

function list(group: Command, terminal: Terminal): void {
  const command = withConnection(group.command('list'))
    .summary('list the newest 50 jobs')
    .description('Lists the newest 50 bulk jobs, and how far each is.')
    .option('--json', 'print an array of JSON')
    .action((options: ReadOptions, command: Command) =>
      inSession(terminal, command, options, async ({ api }) => {
        const found = await api.bulk.list();
        if (options.json) return terminal.out(JSON.stringify(found, null, 2));
        if (found.length === 0) return terminal.note('There are no jobs.');
        printRows(terminal, { read: COLUMNS, piped: COLUMNS }, found);
      }),
    );
  withExamples(command, [
    'latchkey jobs list',
    'latchkey jobs list --json | jq \'.[] | select(.state == "paused")\'',
  ]);
}

const COLUMNS: Columns<Job> = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'CREATED', cell: ({ createdAt }) => isoTime(createdAt) },
  { head: 'STATE', cell: ({ state }) => state },
  { head: 'ACTION', cell: ({ action }) => action },
  { head: 'KEYS', cell: ({ total }) => String(total) },
  { head: 'DONE', cell: ({ done }) => String(done) },
  { head: 'REFUSED', cell: ({ refused }) => String(refused) },
  { head: 'BY', cell: ({ by }) => by, flexible: true },
  { head: 'REASON', cell: ({ reason }) => reason, flexible: true },
];

const withId = (command: Command) =>
  command.argument('<id>', 'the id of the job').option('--json', 'print one document of JSON: job, items');

function show(group: Command, terminal: Terminal): void {
  const command = withId(withConnection(group.command('show')))
    .summary('show one job, and what has become of each key')
    .description('Shows which keys a job is about, and what has become of each of them so far.')
    .action((id: string, options: ReadOptions, command: Command) =>
      inSession(terminal, command, options, async (session) => {
        const { job } = await session.api.bulk.get({ id });
        terminal.note(planText(job.action, job, job.sample));
        await printJob(session, terminal, job, options.json);
      }),
    );
  withExamples(command, [`latchkey jobs show ${EXAMPLE}`, `latchkey jobs show ${EXAMPLE} | grep -w refused`]);
}

function start(group: Command, terminal: Terminal): void {
  const command = withCommandKey(withId(withRerunners(withBodies(group.command('start')))))
    .summary('start a planned job, and run it')
    .description(
      'Starts a job that was planned, on the dashboard or here, and runs it to its end. Ctrl-C cancels it.',
    )
    .option('--confirm <number>', 'start when the plan has so many keys, and do not ask', countOf)
    .addOption(new Option('--yes-expire', 'confirm what can not be taken back: the word expire'))
    .option('--yes-may-repeat', 'confirm that effects may happen twice')
    .action((id: string, options: JobOptions, command: Command) =>
      inSession(terminal, command, options, async (session) => {
        const { job } = await session.api.bulk.get({ id });
        await carryOut(session, terminal, job, { ...options, reason: job.reason });
      }),
    );
  withExamples(command, [
    `latchkey jobs start ${EXAMPLE}`,
    `latchkey jobs start ${EXAMPLE} --confirm 412 --yes-expire --yes-may-repeat`,
  ]);
}

function resume(group: Command, terminal: Terminal): void {
  const command = withCommandKey(withId(withRerunners(withBodies(group.command('resume')))))
    .summary('go on with a job that has paused')
    .description(
      'Goes on with a job that has paused because the database refused its writes, to its end. Ctrl-C cancels it.',
    )
    .action((id: string, options: JobOptions, command: Command) =>
      inSession(terminal, command, options, async (session) => {
        const job = await session.api.bulk.resume({ id, commandKey: options.commandKey });
        await runToItsEnd(session, terminal, job, { ...options, reason: job.reason });
      }),
    );
  withExamples(command, [`latchkey jobs resume ${EXAMPLE}`]);
}

function cancel(group: Command, terminal: Terminal): void {
  const command = withReason(withId(withConnection(group.command('cancel'))))
    .summary('cancel a job: nothing more happens to its keys')
    .description('Cancels a job that is planned, runs or has paused. What was done to its keys stays.')
    .action((id: string, options: JobOptions & { readonly reason: string }, command: Command) =>
      inSession(terminal, command, options, async ({ api }) => {
        const { reason, commandKey, json } = options;
        const job = await api.bulk.cancel({ id, reason, commandKey });
        terminal.out(json ? JSON.stringify({ job }, null, 2) : endText(job));
      }),
    );
  withExamples(command, [`latchkey jobs cancel ${EXAMPLE} --reason "wrong tenant"`]);
}
