import type { Command } from 'commander';
import type { BodyText, KeyDetail, OfferedAction, Preview } from '../../admin/contract/contract.ts';
import { linkTo, withDashboardUrl } from '../dashboard-link.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withBodies } from '../session/connection.ts';
import { withRerunners } from '../session/rerunners.ts';
import { findKey, inSession, type KeysSession, print, type Target, withTarget } from '../session/session.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { detailText, previewText } from './key-text.ts';

interface ShowOptions extends ConnectionOptions, Target {
  readonly json?: boolean;
  readonly rerunners?: string;
  readonly dashboardUrl?: string;
}

interface Linked {
  /** The page of the key; null where nobody said where the dashboard is. */
  readonly link: string | null;
}

export interface ShownKey extends KeyDetail, Linked {
  readonly request: BodyText | null;
  readonly response: BodyText | null;
  /** Says what a retry would get now. */
  readonly preview: Preview;
}

/** `latchkey keys show`, and `latchkey keys preview`. */
export function show(group: Command, terminal: Terminal): void {
  const showing = withTarget(withDashboardUrl(withRerunners(withBodies(group.command('show')))))
    .summary('show one key')
    .description(
      'Shows a key as the dashboard does: its state, what a retry would get, its times and its bodies without secrets.',
    )
    .action((id: string | undefined, options: ShowOptions, command: Command) =>
      inSession(terminal, command, options, async (session) => {
        const texts = await withTexts(session, await findKey(session, id, options));
        const shown = { ...texts, link: linkTo(options.dashboardUrl, texts.id) };
        print(terminal, options.json, shown, () => detailText(shown));
      }),
    );
  withExamples(showing, [
    'latchkey keys show 66f0c0ffee0123456789abcd',
    'latchkey keys show --scope acme --key 8e03978e-40d5-43dd-bc93-6894a57f9324',
    'latchkey keys show 66f0c0ffee0123456789abcd --cipher ./cipher.js --json | jq -r .response.text',
  ]);
  const previewing = withTarget(withDashboardUrl(withRerunners(withBodies(group.command('preview')))))
    .summary('say what a retry would get now, and what each action would do')
    .description(
      'Says what a request with this key would get now, the same one and another one, and what each action would do to the key or why it can not be taken. Nothing is written.',
    )
    .action((id: string | undefined, options: ShowOptions, command: Command) =>
      inSession(terminal, command, options, async (session) => {
        const preview = await previewOf(session, await findKey(session, id, options));
        const previewed = { ...preview, link: linkTo(options.dashboardUrl, preview.id) };
        print(terminal, options.json, previewed, () => previewText(previewed));
      }),
    );
  withExamples(previewing, [
    'latchkey keys preview 66f0c0ffee0123456789abcd',
    'latchkey keys preview --scope acme --key 8e03978e-40d5-43dd-bc93-6894a57f9324',
    'latchkey keys preview 66f0c0ffee0123456789abcd --json | jq -r .preview.decision',
  ]);
}

export interface PreviewedKey extends Pick<KeyDetail, 'id' | 'state' | 'sentence'>, Linked {
  readonly preview: Preview;
  readonly actions: readonly (OfferedAction & { readonly effect: string })[];
}

async function previewOf({ api }: KeysSession, detail: KeyDetail): Promise<Omit<PreviewedKey, 'link'>> {
  const { id, life, state, sentence, actions } = detail;
  const [preview, { ACTION_EFFECTS }] = await Promise.all([
    api.keys.preview({ id, life }),
    import('../../admin/contract/action-effects.ts'),
  ]);
  const offered = actions.map((each) => ({ ...each, effect: ACTION_EFFECTS[each.action] }));
  return { id, state, sentence, preview, actions: offered };
}

/** Adds a key's bodies as the dashboard shows them: secrets are hidden, and long texts are cut. */
async function withTexts({ api }: KeysSession, detail: KeyDetail): Promise<Omit<ShownKey, 'link'>> {
  const { id, life } = detail;
  const read = async (part: 'request' | 'response') =>
    detail[part] === null ? null : api.keys.body({ id, life, part });
  const [preview, request, response] = await Promise.all([
    api.keys.preview({ id, life }),
    read('request'),
    read('response'),
  ]);
  return { ...detail, preview, request, response };
}
