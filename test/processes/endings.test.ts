import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledProgram } from '../support/bundled.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import type { Life } from './ending-worker.ts';

const run = promisify(execFile);
const NOWHERE = 'mongodb://127.0.0.1:1';
const PROCESS = new URL('./ending-worker.ts', import.meta.url);
/** What a process gets that would never end by itself. */
const timeout = 20_000;

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

function lives(does: Life['does'], uri = database.uri) {
  const life: Life = { uri, database: database.name, does };
  // Rejects, with the signal, for one that had to be ended, and with what it wrote for one that failed.
  return run(process.execPath, [bundledProgram(PROCESS), JSON.stringify(life)], { timeout });
}

describe('case 63: a process ends by itself that', () => {
  it.each<[string, Life['does'], string?]>([
    ['only imports', []],
    ['creates a store, a plugin and a dashboard', ['create']],
    ['is ready and closes, its client last', ['create', 'ready', 'close', 'close the client']],
    ['is ready and closes, its client first', ['create', 'ready', 'close the client', 'close']],
    ['is ready and closes all at once', ['create', 'ready', ['close', 'close the client']]],
    ['is ready and closes its client only', ['create', 'ready', 'close the client']],
    ['closes while it gets ready', ['create', ['ready', 'close'], 'close the client']],
    ['has answered a call and closes twice, its client last', ['call', 'close', 'close', 'close the client']],
    ['has answered a call, its client first', ['call', 'close the client', 'close']],
    ['has answered a call and closes its client only', ['call', 'close the client']],
    ['closes while a call waits for another', ['create', 'ready', 'wait', 'close', 'close the client']],
    ['could not be ready', ['create', 'ready', 'close', 'close the client'], NOWHERE],
    ['could not be ready and closes its client only', ['create', 'ready', 'close the client'], NOWHERE],
    ['could not answer a call', ['call', 'close', 'close the client'], NOWHERE],
  ])('%s', async (_, does, uri) => {
    const { stderr, stdout } = await lives(does, uri);
    expect(stderr).not.toContain('MaxListeners');
    expect(stdout, 'timers that keep the process').toBe('0\n');
  });
});
