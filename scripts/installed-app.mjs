// Runs in an app that has just installed the package: loads every entry, and uses what depends on the version of a peer.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'graphql';

const { exports } = JSON.parse(readFileSync('node_modules/latchkey/package.json', 'utf8'));
const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
const document = parse('mutation { pay }');
const apollo = apolloRelease();

for (const entry of entries) {
  const loaded = import(entry.replace('.', 'latchkey'));
  if (entry === './client/apollo' && apollo !== 4) {
    // Apollo Client 3 has names that only a bundler finds: installed-apollo.mjs is bundled.
    await assert.rejects(loaded, /@apollo\/client/);
  } else {
    assert.notEqual(Object.keys(await loaded).length, 0, entry);
  }
}
await urqlSendsOneKey();
console.log(`${entries.length} entries: each loads where its peer is there`);

/** The major release that is installed, or undefined without one. */
function apolloRelease() {
  const manifest = 'node_modules/@apollo/client/package.json';
  return existsSync(manifest)
    ? Number.parseInt(JSON.parse(readFileSync(manifest, 'utf8')).version, 10)
    : undefined;
}

async function urqlSendsOneKey() {
  const { Client, fetchExchange } = await import('@urql/core');
  const { idempotencyExchange } = await import('latchkey/client/urql');
  const keys = [];
  const client = new Client({
    url: 'http://localhost/graphql',
    preferGetMethod: false,
    exchanges: [idempotencyExchange(), fetchExchange],
    fetch: async (_url, { body }) => {
      keys.push(JSON.parse(body).extensions.idempotencyKey);
      return new Response('{"data":{"pay":1}}', { headers: { 'content-type': 'application/json' } });
    },
  });
  const { data } = await client.mutation(document, {}).toPromise();
  assert.deepEqual(data, { pay: 1 });
  assert.equal(keys.length, 1);
  assert.match(keys[0], /^[\da-f-]{36}$/);
}
