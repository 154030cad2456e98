import type { Command } from 'commander';
import type { Facts } from '../doctor/facts.ts';
import type { Finding, FindingState } from '../doctor/finding.ts';
import { withExamples } from './examples.ts';
import { type ConnectionOptions, openClient, orError, withConnection } from './session/connection.ts';
import { connectToMember } from './session/member.ts';

interface Options extends ConnectionOptions {
  readonly json?: boolean;
}

const EXAMPLES = [
  'MONGODB_URI=mongodb://app:…@db1,db2,db3/shop?replicaSet=rs0 latchkey doctor',
  'latchkey doctor --uri mongodb://localhost:27017 --db shop --json',
  'latchkey doctor || exit 1        # in a deployment, before the new release takes traffic',
];
const MORE = `Run it with the URI of your app, from where the app runs: rights, clocks and times are those of its caller.
It writes to a collection of its own, latchkey_doctor_…, and drops it; that takes the role readWrite on the database.
latchkey/docs/doctor.md explains each line.`;

/** `latchkey doctor`: exit code 0 when no promise is broken, 1 when one is, 2 when the server could not be asked. */
export function doctor(program: Command): void {
  const command = withConnection(program.command('doctor'))
    .summary("say which of Latchkey's promises hold on a MongoDB server")
    .description(
      "Tries the statements of keys in a scratch collection, looks at rights, indexes, clocks and times, and says which of Latchkey's promises hold on this server. Exits with 1 when one does not, 2 on failure; warnings and what is unknown are no failure.",
    )
    .option('--json', 'print what was found as JSON')
    .action((options: Options, command: Command) => orError(command, () => run(options)));
  withExamples(command, EXAMPLES, MORE);
}

async function run({ json = false, ...options }: Options): Promise<void> {
  const [{ askFacts }, { judge }] = await Promise.all([
    import('../doctor/ask/ask-facts.ts'),
    import('../doctor/judge/judge.ts'),
  ]);
  const { client, db, collection } = await openClient(options, { needsPrimary: false });
  using progress = startProgress();
  using interruption = untilInterrupted();
  try {
    const connectTo = (host: string) => connectToMember(options.uri, host);
    const onProgress = (what: string) => progress.isNow(what);
    const facts = await askFacts({ db, collection, connectTo }, { onProgress, signal: interruption.signal });
    const findings = judge(facts);
    console.log(json ? asJson(facts, findings) : asText(findings));
    if (findings.some(({ state }) => state === 'fail')) process.exitCode = 1;
  } finally {
    await client.close();
  }
}

/** Who interrupts the doctor waits until its collection is dropped; the second signal ends the process. */
function untilInterrupted(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = () => controller.abort(new Error('interrupted; the scratch collection was dropped'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => void process.off('SIGINT', stop).off('SIGTERM', stop),
  };
}

const PATIENCE_MS = 1_000;

/** Says on standard error what is being asked, from the time on when somebody may wonder. */
function startProgress(): Disposable & { isNow(what: string): void } {
  let now = '';
  let isLate = false;
  const say = () => console.error(`asking: ${now} …`);
  const timer = setTimeout(() => {
    isLate = true;
    say();
  }, PATIENCE_MS);
  return {
    isNow(what) {
      now = what;
      if (isLate) say();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

const STATES: readonly FindingState[] = ['fail', 'warn', 'unknown', 'ok'];

function asText(findings: readonly Finding[]): string {
  const lines = alike(findings).flatMap(([names, { state, text, fix }]) => {
    const line = `${state.padEnd(8)} ${names.join(', ')}: ${text}`;
    return fix === null ? [line] : [line, `         Fix: ${fix}`];
  });
  const counts = STATES.map((state) => `${count(findings, state)} ${state}`).join(', ');
  return [...lines, '', `${counts}. latchkey/docs/doctor.md explains each line.`].join('\n');
}

/** Neighbours that say the same are one line, with the names of all. */
function alike(findings: readonly Finding[]): [names: string[], finding: Finding][] {
  const lines: [string[], Finding][] = [];
  for (const finding of findings) {
    const { topic, about, state, text, fix } = finding;
    const name = about === null ? topic : `${topic} (${about})`;
    const [names, last] = lines.at(-1) ?? [];
    const isSame = last?.state === state && last.text === text && last.fix === fix;
    if (isSame) names?.push(name);
    else lines.push([[name], finding]);
  }
  return lines;
}

const count = (findings: readonly Finding[], state: FindingState) =>
  findings.filter((finding) => finding.state === state).length;

function asJson({ database, collection, server }: Facts, findings: readonly Finding[]): string {
  const { kind, version } = server;
  return JSON.stringify(
    {
      ok: count(findings, 'fail') === 0,
      database,
      collection,
      server: { kind, version: 'known' in version ? version.known : null },
      counts: Object.fromEntries(STATES.map((state) => [state, count(findings, state)])),
      findings,
    },
    null,
    2,
  );
}
