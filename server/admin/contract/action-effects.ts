import type { ActionName } from './contract.ts';

/** Each action has this effect, in words: the audit keeps them, and an operator reads them beforehand. */
export const ACTION_EFFECTS: Readonly<Record<ActionName, string>> = {
  allow_retry: 'The next request with this key and payload runs.',
  rerun: 'The key is released for the captured request.',
  complete: 'Retries get this response.',
  fail: 'Retries get this error.',
  expire: 'The key is forgotten: any payload may run.',
  force_release: 'The key is free. The worker that held it was not stopped: its result will not be stored.',
  purge_body: 'The bodies are gone, the outcome is kept.',
};
