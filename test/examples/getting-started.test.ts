import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { folderOfRun } from '../support/bundled.ts';
import { freshDatabase } from '../support/database.ts';
import { startWorker } from '../support/worker.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Makes the program of "With MongoDB", on the sources, a free port and a database of choice. Its first program is run by `check:install`. */
async function programOfThePage(): Promise<URL> {
  const page = await readFile(`${root}docs/getting-started.md`, 'utf8');
  const [, , code = ''] = page.split(/^```ts$/m);
  const [program = ''] = code.split(/^```$/m);
  const asWorker = program
    .replaceAll("'latchkey'", `'${root}server/index.ts'`)
    .replaceAll("'latchkey/mongodb'", `'${root}server/mongodb/index.ts'`)
    .replaceAll("'latchkey/http'", `'${root}plugin/http/index.ts'`)
    .replace("client.db('shop')", 'client.db(process.env.DATABASE)')
    .replace(
      ".listen(4000, () => console.log('http://localhost:4000'))",
      ".listen(0, '127.0.0.1', () => { process.send?.('ready'); process.send?.(server.address()) })",
    );
  expect(asWorker).not.toMatch(/'latchkey|'shop'|4000/);
  const path = `${folderOfRun()}/getting-started.ts`;
  await writeFile(path, asWorker);
  return pathToFileURL(path);
}

test('the server of “Getting started” gives the first answer again after a restart, and ends on SIGTERM', async () => {
  await using database = await freshDatabase();
  const program = await programOfThePage();
  const env = { MONGODB_URI: database.uri, DATABASE: database.name };
  /** Starts a server that lives for one request. */
  async function chargeOnce(): Promise<Response> {
    await using server = await startWorker(program, { env });
    const { port } = await server.next<{ port: number }>();
    const headers = { 'x-user': 'ada', 'idempotency-key': '8e03978e-40d5' };
    const response = await fetch(`http://127.0.0.1:${port}/charges`, { method: 'POST', headers });
    const body = await response.text();
    process.kill(server.pid, 'SIGTERM');
    expect(await server.exit).toEqual({ code: 0, signal: null });
    return new Response(body, response);
  }
  const [first, retry] = [await chargeOnce(), await chargeOnce()];
  expect([first.status, retry.status]).toEqual([201, 201]);
  expect(await retry.text()).toBe(await first.text());
  expect(retry.headers.get('idempotent-replayed')).toBe('true');
  expect(await database.db.collection('charges').countDocuments()).toBe(1);
});
