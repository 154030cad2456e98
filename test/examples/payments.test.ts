import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { placeOrder } from '../../examples/payments/place-order.ts';
import { startProvider } from '../../examples/payments/provider.ts';
import type { Run } from '../../server/index.ts';
import { freshDatabase, mongoUri } from '../support/database.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFile(`${root}/${file}`, 'utf8');

/** Reads the guide's blocks of code of one language. */
async function blocks(language: string): Promise<string[]> {
  const guide = await read('docs/effects.md');
  return [...guide.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, tag, text]) =>
    tag === language ? [text as string] : [],
  );
}

const withoutIds = (text: string) => text.replaceAll(/(?<=order |ch_)[0-9a-f]{8}/g, 'ID');

test('the guide’s command prints what the guide says, with every line right', {
  timeout: 120_000,
}, async () => {
  const [story = ''] = await blocks('');
  const [command, ...lines] = story.trim().split('\n') as [string, ...string[]];
  const [program, ...args] = command.replace(/^\$ /, '').split(' ') as [string, ...string[]];
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: root,
    env: { ...process.env, MONGODB_URI: mongoUri() },
  });
  expect(withoutIds(stdout).match(/^[✓✗].*$/gm)).toEqual(lines.map(withoutIds));
});

test('the guide shows the code that runs', async () => {
  const [order, setup = ''] = await blocks('ts');
  // The example stands in this repository, so it imports the sources.
  const example = await read('examples/payments/place-order.ts');
  expect(order).toBe(example.replace('../../server/index.ts', 'latchkey'));
  const [options] = /^const idempotency = [^}]*}[^}]*(?=}\)$)/m.exec(setup) ?? [];
  expect(await read('examples/payments/shop/main.ts')).toContain(options);
});

test('a process that was overtaken can not change the order any more, nor make another one', async () => {
  await using database = await freshDatabase();
  const provider = await startProvider();
  const { signal } = new AbortController();
  const attempt = (fence: number) =>
    ({
      fence,
      downstreamKey: (name) => name,
      step: (name, fn) => fn({ key: name, signal }),
      signal,
    }) as Run;
  const place = (fence: number, item: string) =>
    placeOrder(attempt(fence), { item, amount: 1, card: 'visa' }, database.db, provider.url);
  await place(1, 'lamp');
  await place(2, 'a lamp');
  await expect(place(1, 'an old lamp')).rejects.toMatchObject({ code: 11000 });
  expect(await database.db.collection('orders').find().toArray()).toMatchObject([
    { item: 'a lamp', fence: 2 },
  ]);
  expect(provider.charges).toHaveLength(1);
  provider.close();
});
