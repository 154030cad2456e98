import { loadavg } from 'node:os';
import { MongoClient } from 'mongodb';
import type { Browser, CDPSession } from 'playwright-core';
import { build } from 'vite';
import { findChromium } from '../test/e2e/support/find-chromium.ts';
import { launchChromium } from '../test/e2e/support/launch-chromium.ts';
import { median } from './measure/median.ts';
import { firstRow } from './page-steps.ts';
import { markdownTable } from './report/table.ts';
import { seedKeys } from './seed-keys.ts';
import { serveDashboard } from './serve-dashboard.ts';

export interface DashboardNetworkBenchOptions {
  readonly uri: string;
  readonly keys: number;
  readonly rounds: number;
}

interface Network {
  /** How long the headers of an answer take at least, in ms. */
  readonly latency: number;
  /** Bytes a second. */
  readonly downloadThroughput: number;
  readonly uploadThroughput: number;
}

const megabits = (count: number) => (count * 1_000_000) / 8;

/** The presets of Chrome's DevTools, by their names there. Lighthouse calls the figures of its slow 4G the same. */
const NETWORKS: Readonly<Record<string, Network>> = {
  'Fast 4G': {
    latency: 60 * 2.75,
    downloadThroughput: megabits(9) * 0.9,
    uploadThroughput: megabits(1.5) * 0.9,
  },
  'Slow 4G': {
    latency: 150 * 3.75,
    downloadThroughput: megabits(1.6) * 0.9,
    uploadThroughput: megabits(0.75) * 0.9,
  },
};

const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['needs attention', '/keys'],
  ['all keys', '/keys?all'],
];

/** The first list over a slow network, in a browser that has loaded nothing before. The keys are removed when it has ended. */
export async function benchDashboardNetwork({
  uri,
  keys,
  rounds,
}: DashboardNetworkBenchOptions): Promise<void> {
  await build({ logLevel: 'warn' });
  await using client = new MongoClient(uri);
  const db = client.db('latchkey_bench_network');
  try {
    console.error(`seeding ${keys} keys…`);
    await db.dropDatabase();
    await seedKeys(db.collection('idempotency_keys'), keys);
    await using dashboard = await serveDashboard(db);
    await using browser = await launchChromium(await findChromium());
    await firstList(browser, `${dashboard.origin}/keys`); // the server has read its files by then
    const row = markdownTable(
      `The first list in Chromium, ${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}`,
    );
    for (const [name, network] of Object.entries(NETWORKS)) {
      for (const [list, path] of PAGES) {
        const lists = [];
        for (let round = 0; round < rounds; round++)
          lists.push(await firstList(browser, dashboard.origin + path, network));
        const times = lists.map(({ ms }) => ms);
        row({
          network: name,
          list,
          median: `${Math.round(median(times))} ms`,
          slowest: `${Math.round(Math.max(...times))} ms`,
          requests: Math.max(...lists.map(({ requests }) => requests)),
          'on the wire': `${Math.round(Math.max(...lists.map(({ bytes }) => bytes)) / 1_000)} KB`,
        });
      }
    }
  } finally {
    await db.dropDatabase();
  }
}

/** Opens a list in a new profile, and measures the time, the requests and the bytes until its first row is shown. */
async function firstList(browser: Browser, url: string, network?: Network) {
  await using context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const wire = await watchWire(session);
  if (network) await session.send('Network.emulateNetworkConditions', { offline: false, ...network });
  const startedAt = performance.now();
  await page.goto(url, { waitUntil: 'commit' });
  await firstRow(page);
  return { ms: performance.now() - startedAt, ...wire };
}

async function watchWire(session: CDPSession): Promise<{ requests: number; bytes: number }> {
  const wire = { requests: 0, bytes: 0 };
  session.on('Network.responseReceived', () => {
    wire.requests += 1;
  });
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    wire.bytes += encodedDataLength;
  });
  await session.send('Network.enable');
  return wire;
}
