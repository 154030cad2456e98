import type { Command } from 'commander';
import type { Evidence } from '../../admin/contract/contract.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withBodies } from '../session/connection.ts';
import { withRerunners } from '../session/rerunners.ts';
import { findKey, inSession, print, type Target, withTarget } from '../session/session.ts';
import { isoTime, shown } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface EvidenceOptions extends ConnectionOptions, Target {
  readonly by?: string;
  readonly json?: boolean;
  readonly rerunners?: string;
}

/** `latchkey keys evidence`. */
export function evidence(group: Command, terminal: Terminal): void {
  const command = withTarget(withRerunners(withBodies(group.command('evidence'))))
    .summary('ask another service whether the effect happened')
    .description(
      "Asks the probe of a key's operation whether its effect happened. Nothing changes. An action can name the answer by its id, within the hour.",
    )
    .option('--by <name>', 'who acts upon it then: the same name as that of the action')
    .action((id: string | undefined, options: EvidenceOptions, command: Command) =>
      inSession(terminal, command, options, async (session) => {
        const key = await findKey(session, id, options);
        const found = await session.api.keys.evidence({ id: key.id, life: key.life });
        print(terminal, options.json, found, () => evidenceText(found));
      }),
    );
  withExamples(command, [
    'latchkey keys evidence 66f0c0ffee0123456789abcd --rerunners ./dist/rerunners.js',
    'latchkey keys complete 66f0c0ffee0123456789abcd --evidence 0b2a4b0e-6f5e-4c1e-9f70-3a1f0d7f7c11 --reason "the charge is there"',
  ]);
}

const FOUND = { yes: 'The effect is there', no: 'The effect is not there', unknown: 'Nobody knows' } as const;

function evidenceText({ id, source, at, found, summary, data, link }: Evidence): string {
  return [
    `${FOUND[found]}. ${shown(summary)}`,
    `By the probe of ${shown(source)}, at ${isoTime(at)}`,
    ...(link === null ? [] : [`Link: ${shown(link)}`]),
    ...(data === null ? [] : [`Response: ${shown(data)}`]),
    `Act upon it: --evidence ${id}`,
  ].join('\n');
}
