import { loadavg } from 'node:os';
import { MongoClient } from 'mongodb';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { findChromium } from '../test/e2e/support/find-chromium.ts';
import { launchChromium } from '../test/e2e/support/launch-chromium.ts';
import { median } from './measure/median.ts';
import { firstRow, type PageStage, STEPS } from './page-steps.ts';
import { markdownTable } from './report/table.ts';
import { seedKeys, seedLargeBodies } from './seed-keys.ts';
import { serveDashboard } from './serve-dashboard.ts';

export interface DashboardPageBenchOptions {
  readonly uri: string;
  readonly keys: number;
  readonly rounds: number;
}

/** The dashboard in a real Chromium, on many keys and large bodies. The keys are removed when it has ended. */
export async function benchDashboardPage({ uri, keys, rounds }: DashboardPageBenchOptions): Promise<void> {
  await build({ logLevel: 'warn' });
  await using client = new MongoClient(uri);
  const db = client.db('latchkey_bench_page');
  try {
    console.error(`seeding ${keys} keys…`);
    await db.dropDatabase();
    const collection = db.collection('idempotency_keys');
    await seedKeys(collection, keys);
    const large = await seedLargeBodies(collection);
    await using dashboard = await serveDashboard(db);
    await using browser = await launchChromium(await findChromium());
    await measure({ browser, origin: dashboard.origin, collection, large, rounds });
  } finally {
    await db.dropDatabase();
  }
}

interface Stage extends PageStage {
  readonly browser: Browser;
  readonly rounds: number;
}

/** Before the page's own scripts. As text, for a compiler may add to a function what a page does not have. */
const WATCH_TASKS = `{
  const tasks = [];
  const keep = (entries) => tasks.push(...entries.map(({ duration }) => duration));
  const observer = new PerformanceObserver((list) => keep(list.getEntries()));
  observer.observe({ type: 'longtask', buffered: true });
  globalThis.takeLongTasks = () => {
    keep(observer.takeRecords());
    return tasks.splice(0);
  };
}`;

/** How long each took that took over 50 ms, in ms, since the last time. */
const takeLongTasks = (page: Page) => page.evaluate<number[]>('takeLongTasks()');

/** Resolves when the page has all that it asked for, and nothing more to do with it. */
function settling(page: Page): () => Promise<void> {
  const asked: Promise<unknown>[] = [];
  page.on('request', (request) =>
    asked.push(
      request
        .response()
        .then((response) => response?.finished())
        .catch(() => {}),
    ),
  );
  return async () => {
    do {
      await Promise.all(asked.splice(0));
      await page.evaluate('new Promise((resolve) => requestIdleCallback(() => resolve()))');
    } while (asked.length > 0);
  };
}

async function measure(stage: Stage): Promise<void> {
  const results = STEPS.map(() => ({ times: [] as number[], tasks: [] as number[] }));
  for (let round = 0; round < stage.rounds; round++) {
    await using context = await stage.browser.newContext({ viewport: { width: 1280, height: 900 } });
    await context.addInitScript({ content: WATCH_TASKS });
    const page = await context.newPage();
    const settle = settling(page);
    for (const [index, { from, work }] of STEPS.entries()) {
      if (from !== undefined) {
        await page.goto(stage.origin + from);
        await firstRow(page);
        await settle();
        await takeLongTasks(page);
      }
      const startedAt = performance.now();
      const took = await work(page, stage);
      results[index]?.times.push(typeof took === 'number' ? took : performance.now() - startedAt);
      await settle();
      results[index]?.tasks.push(...(await takeLongTasks(page)));
    }
  }
  const row = markdownTable(
    `The page in Chromium, ${stage.rounds} rounds, load ${loadavg()[0]?.toFixed(1)} at the end`,
  );
  for (const [index, { name }] of STEPS.entries()) {
    const { times = [], tasks = [] } = results[index] ?? {};
    row({
      step: name,
      median: `${Math.round(median(times))} ms`,
      slowest: `${Math.round(Math.max(...times))} ms`,
      'longest task': `${Math.round(Math.max(0, ...tasks))} ms`,
      'tasks over 200 ms': tasks.filter((ms) => ms > 200).length,
    });
  }
}
