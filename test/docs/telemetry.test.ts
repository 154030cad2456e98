import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { context, trace } from '@opentelemetry/api';
import type { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Idempotency, IdempotencyEvent, Run } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { loadCodeOfPage } from '../support/code-of-page.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/telemetry.md'), 'utf8');

/** Finds the block of the page that has a text in it. */
function blockWith(text: string): string {
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  const found = blocks.filter((code) => code.includes(text));
  if (found.length !== 1) throw new Error(`Expected one block with ${text}, got ${found.length}`);
  return found[0] as string;
}

let database: FreshDatabase;
let metrics: string;
let exporter: PrometheusExporter;
let idempotency: Idempotency;

beforeAll(async () => {
  database = await freshDatabase();
  const store = createMongoStore({ db: database.db, collection: 'keys' });
  // As it stands, but for the port.
  const code = blockWith('PrometheusExporter').replace('9464', '0');
  ({ exporter, idempotency } = await loadCodeOfPage<{ exporter: typeof exporter; idempotency: Idempotency }>(
    code,
    { store },
  ));
  await everything(idempotency);
  await exporter.startServer(); // resolves once the start that its constructor has begun is over
  metrics = await (await fetch(`http://127.0.0.1:${portOf(exporter)}/metrics`)).text();
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await exporter.shutdown();
  await idempotency.close({ timeoutMs: 0 });
  await database[Symbol.asyncDispose]();
});

/** Tells the port that the exporter has taken, for it does not say which by itself. */
const portOf = (exporter: PrometheusExporter) =>
  (exporter as unknown as { _server?: { address(): { port: number } | null } })._server?.address()?.port;

/** Does a bit of all that the dashboard and the alerts are about. */
async function everything(idempotency: Idempotency): Promise<void> {
  const call = (key: string, fn: (run: Run) => unknown, operation = 'ship') =>
    idempotency.run({ scope: 's', key, operation }, fn).catch(() => {});
  await call('success', () => 1);
  await call('success', () => 1);
  await call('doubt', () => Promise.reject(new Error('down')));
  await call('success', () => 1, 'bill');
  const [started, release] = [gate(), gate()];
  const first = call('wait', async () => {
    started.open();
    await release;
  });
  await started;
  const second = call('wait', () => 1);
  release.open();
  await Promise.all([first, second]);
}

/** Lists the metrics that an expression of PromQL asks for. Labels stand where no brace follows. */
const metricsOf = (promql: string) => promql.match(/\blatchkey_\w+(?=[{[])/g) ?? [];
const labelsOf = (promql: string) =>
  [...promql.matchAll(/(\w+)=~?"([^"$]*)"/g)].flatMap(([, label, values = '']) =>
    values.split('|').map((value) => [label, value] as const),
  );

const dashboard = JSON.parse(readFileSync(join(ROOT, 'docs/grafana/latchkey.json'), 'utf8')) as {
  panels: readonly { title: string; targets: readonly { expr: string; legendFormat: string }[] }[];
};
const panels = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
);
const alerts = [...page.matchAll(/- alert: (\w+)\n +expr: (.*)\n/g)].map(
  ([, name = '', expr = '']) => [name, expr] as const,
);

/** The types of events and words that this little traffic does not bring about. */
const WORDS: readonly IdempotencyEvent['type'][] = [
  'lease_lost',
  'result_not_recorded',
  'unprotected',
  'passed',
];

describe('the exporter of the page gives each metric that is asked for by', () => {
  test.each(panels)('the panel %s: %s', (_, expr, legend) => {
    check(expr);
    for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g))
      expect(metrics).toMatch(new RegExp(`\\b${label}="`));
  });

  test.each(alerts)('the alert %s: %s', (_, expr) => check(expr));

  test('and there are as many of both as the page says', () => {
    expect(panels.length).toBeGreaterThan(12);
    expect(alerts.map(([name]) => name)).toHaveLength(6);
  });
});

function check(expr: string): void {
  const names = metricsOf(expr);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    // Nothing was sent again here.
    if (name === 'latchkey_store_resent_total') continue;
    expect(metrics).toMatch(new RegExp(`^${name}(\\{| )`, 'm'));
  }
  for (const [label, value] of labelsOf(expr)) {
    if (value === '' || value === 'IDEMPOTENCY_STORE_UNAVAILABLE' || WORDS.includes(value as never)) continue;
    expect(metrics).toContain(`${label}="${value}"`);
  }
}

test('each event of the page is one, and the page has them all', () => {
  const table = page.slice(page.indexOf('## Events'), page.indexOf('## The store'));
  const listed = [...table.matchAll(/^\| `(\w+)` \| (?!when)/gm)].map(([, type]) => type);
  const all: Readonly<Record<IdempotencyEvent['type'], true>> = {
    started: true,
    completed: true,
    released: true,
    in_doubt: true,
    result_not_recorded: true,
    lease_lost: true,
    transaction_retried: true,
    replayed: true,
    joined: true,
    waited: true,
    refused: true,
    passed: true,
    asked: true,
    suspected_duplicate: true,
    operator_action: true,
    unprotected: true,
  };
  expect(listed.sort()).toEqual(Object.keys(all).sort());
});

test('the SDK of the page gets the spans of a call, by the telemetry that has no options', async () => {
  const printed = vi.spyOn(console, 'dir').mockImplementation(() => {});
  const code = `${blockWith('ConsoleSpanExporter')}\n${blockWith('telemetry: createTelemetry() })')}`;
  const { provider, idempotency } = await loadCodeOfPage<{
    provider: BasicTracerProvider;
    idempotency: Idempotency;
  }>(code, { store: createMemoryStore() });
  await idempotency.run({ scope: 's', key: 'k', operation: 'ship' }, () => 1);
  await provider.forceFlush();
  expect(printed.mock.calls.map(([span]) => (span as { name: string }).name)).toEqual([
    'latchkey.claim',
    'latchkey.run',
  ]);
  await idempotency.close();
  await provider.shutdown();
  trace.disable();
  context.disable();
  printed.mockRestore();
});
