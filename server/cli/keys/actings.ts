import { Option } from 'commander';
import type { ActionName } from '../../admin/contract/contract.ts';

/** An `Acting` is a command that takes one action on one key. */
export interface Acting {
  readonly name: string;
  readonly action: ActionName;
  readonly summary: string;
  readonly description: string;
  /** The command takes these options beside those that each of them takes, as the page's dialog has them. */
  readonly options: readonly Option[];
  readonly example: string;
}

const MAY_REPEAT = new Option('--yes-may-repeat', 'confirm that the effect may happen twice');
const yes = (word: string) =>
  new Option(`--yes-${word}`, `confirm what can not be taken back: the word ${word}`);
const response = (placeholder: string, what: string) =>
  new Option(`--response <${placeholder}>`, `${what}; @file reads a file, - standard input`);

/** The commands, by the actions of the page. */
export const ACTINGS: readonly Acting[] = [
  {
    name: 'allow-retry',
    action: 'allow_retry',
    summary: 'let the same request run again',
    description: 'Lets the same request run again, and no other, when its client sends it.',
    options: [MAY_REPEAT],
    example: '--reason "bank confirmed: not charged" --yes-may-repeat',
  },
  {
    name: 'rerun',
    action: 'rerun',
    summary: 'let the same request run again, and send it as it was captured',
    description:
      'Releases the key and sends its captured request once more through your own server, by a rerunner. With --dry-run it says what would be sent, and as whom.',
    options: [yes('rerun'), MAY_REPEAT],
    example: '--rerunners ./dist/rerunners.js --reason "client is gone" --yes-rerun --yes-may-repeat',
  },
  {
    name: 'complete',
    action: 'complete',
    summary: 'store the response that retries get',
    description: 'Stores the response that retries get, for an effect that has happened.',
    options: [
      response(
        'json',
        'the data, as JSON: for GraphQL the `data` object, else what the call returns; without, that of --evidence',
      ),
    ],
    example: '--reason "charge ch_1 is there" --response @data.json',
  },
  {
    name: 'fail',
    action: 'fail',
    summary: 'store the error that retries get',
    description: 'Stores a final error that retries get, for an effect that will not happen.',
    options: [response('message', 'the message of the error').makeOptionMandatory()],
    example: '--reason "bank has refused it" --response "The card was declined"',
  },
  {
    name: 'expire',
    action: 'expire',
    summary: 'forget the key: any payload may run',
    description: 'Forgets the key: the next request with it runs, whatever it asks for.',
    options: [yes('expire'), MAY_REPEAT],
    example: '--reason "customer starts anew" --yes-expire --yes-may-repeat',
  },
  {
    name: 'force-release',
    action: 'force_release',
    summary: 'free a running key; its worker is not stopped',
    description: 'Frees a key that runs. Its worker is not stopped, and what it returns will not be stored.',
    options: [yes('force'), MAY_REPEAT],
    example: '--reason "worker hangs since noon" --yes-force --yes-may-repeat',
  },
  {
    name: 'purge-body',
    action: 'purge_body',
    summary: 'keep the outcome, drop the bodies',
    description: 'Keeps the outcome of the key, and drops its response and its captured request.',
    options: [yes('purge')],
    example: '--reason "erasure was asked for" --yes-purge',
  },
];
