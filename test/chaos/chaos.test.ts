import { readFileSync } from 'node:fs';
import type { ChangeStreamDocument } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { PLANTED_FAULTS } from '../simulation/planted-faults.ts';
import { CONTROLS } from './controls.ts';
import { Disturbances } from './disturbances.ts';
import { faultPlan, shownFault } from './fault-plan.ts';
import { MODES } from './order.ts';
import { receiptIn, receiptText } from './receipt.ts';
import { afterChange } from './record-stream.ts';
import { requestOf } from './requests.ts';

describe('the faults of a seed', () => {
  const options = { seed: 7, seconds: 600, apps: 3, leaseMs: 3_000 };

  it('are the same each time, and others for another seed', () => {
    expect(faultPlan(options)).toEqual(faultPlan(options));
    expect(faultPlan({ ...options, seed: 8 })).not.toEqual(faultPlan(options));
  });

  it('are of every kind in ten minutes, and end before the run does', () => {
    const faults = faultPlan(options);
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(13);
    expect(Math.max(...faults.map(({ at }) => at))).toBeLessThan(600_000);
  });

  it('are only of the kinds that are asked for', () => {
    const faults = faultPlan({ ...options, kinds: ['app frozen', 'tail lost'] });
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['app frozen', 'tail lost']));
  });

  it('leave the clocks of the servers alone in the first half', () => {
    const clocks = faultPlan(options).filter(({ kind }) => kind === 'server clock');
    expect(Math.min(...clocks.map(({ at }) => at))).toBeGreaterThanOrEqual(300_000 - 4_000);
  });

  it('are told with their terms', () => {
    expect(shownFault({ at: 12_340, kind: 'app cut off', app: 1, how: 'hang', ms: 900 })).toBe(
      '  12.3 s  app cut off: app 1, how hang, ms 900',
    );
  });
});

describe('what explains a doubt', () => {
  const lapse = { app: 'app-1', from: 1_000, until: 5_000, leaseMs: 3_000 };
  const explained = (...all: [kind: string, from: number, until: number, app?: string][]) => {
    const disturbances = new Disturbances();
    for (const [kind, from, until, app] of all)
      disturbances.add({ kind, from, until, isDecisive: kind === 'app killed', ...(app && { app }) });
    return disturbances.explain(lapse);
  };

  it.each<[name: string, why: string | undefined, ...Parameters<typeof explained>]>([
    ['nothing', undefined],
    ['its app, killed', 'app killed', ['app killed', 4_000, Number.POSITIVE_INFINITY, 'app-1']],
    ['another app, killed', undefined, ['app killed', 4_000, Number.POSITIVE_INFINITY, 'app-2']],
    ['its app, killed before it began', undefined, ['app killed', 0, 900, 'app-1']],
    ['a freeze of half a lease', 'app frozen', ['app frozen', 2_000, 3_500, 'app-1']],
    ['a short freeze', undefined, ['app frozen', 2_000, 2_900, 'app-1']],
    ['a freeze after the doubt', undefined, ['app frozen', 5_100, 9_000, 'app-1']],
    [
      'two at the same time',
      undefined,
      ['app frozen', 2_000, 3_000, 'app-1'],
      ['cluster away', 2_000, 3_000],
    ],
    [
      'two one after the other',
      'cluster away',
      ['app frozen', 2_000, 2_700, 'app-1'],
      ['cluster away', 2_700, 4_000],
    ],
  ])('%s: %s', (_, why, ...all) => {
    expect(explained(...all)).toBe(why);
  });
});

describe('a record that a change stream tells of', () => {
  const before = { scope: 's', key: 'k', state: 'running', fence: 1, response: undefined };
  const update = (updatedFields: object, removedFields: string[] = []) =>
    ({ operationType: 'update', updateDescription: { updatedFields, removedFields } }) as never;

  it.each<[name: string, change: ChangeStreamDocument, after: object | null]>([
    [
      'is made',
      { operationType: 'insert', fullDocument: { scope: 's', steps: [] } } as never,
      { scope: 's' },
    ],
    ['changes a field', update({ state: 'completed', 'history.2': 1 }), { ...before, state: 'completed' }],
    ['loses a field', update({}, ['fence']), { scope: 's', key: 'k', state: 'running', response: undefined }],
    ['is removed', { operationType: 'delete' } as never, null],
  ])('%s', (_, change, after) => {
    expect(afterChange(before, change)).toEqual(after);
  });

  it('changes a part of a field, and leaves the record before it as it was', () => {
    const first = { ...before, response: { body: 'one' } };
    expect(afterChange(first, update({ 'response.body': 'two' }))).toMatchObject({
      response: { body: 'two' },
    });
    expect(first.response.body).toBe('one');
  });
});

describe.each(MODES)('a request of mode %s', (mode) => {
  const receipt = { scope: 'alice', key: 'c1-1', amount: 5, fence: 123 };
  const pay = { id: receiptText(receipt), amount: 5 };
  const refused = { idempotency: { code: 'IDEMPOTENCY_IN_DOUBT', retryable: false } };

  it.each(['GraphQL', 'tRPC', 'HTTP'] as const)('by %s reads answers and refusals', (api) => {
    const { path, read } = requestOf(mode, api, [receipt]);
    const graphql = {
      ok: { data: { pay, f0: pay } },
      no: { data: { f0: null }, errors: [{ message: 'no', path: ['f0'], extensions: refused }] },
    };
    const call = { ok: { result: { data: pay } }, no: { error: { data: refused } } };
    const shape = path.startsWith('/graphql')
      ? graphql
      : path.startsWith('/trpc')
        ? call
        : { ok: pay, no: refused };
    const written = (value: object) => JSON.stringify(path.endsWith('batch=1') ? [value] : value);
    expect(read(written(shape.ok))).toMatchObject([{ receipt }]);
    expect(read(written(shape.no))).toEqual([{ error: 'IDEMPOTENCY_IN_DOUBT', retryable: false }]);
  });
});

it('a text without a receipt has none', () => {
  expect(receiptIn('{"data":null}')).toBeUndefined();
});

it.each(CONTROLS)('the wrong cluster "$name" names a fault that can be planted', ({ fault }) => {
  expect(PLANTED_FAULTS.filter(({ name }) => name.startsWith(fault))).toHaveLength(1);
});

const ALSO = CONTROLS.flatMap(({ name, also }) => (also ? [{ name, ...also }] : []));

it.each(ALSO)('the wrong cluster "$name" takes out a second guard that is there', ({ file, find }) => {
  expect(readFileSync(file, 'utf8').split(find)).toHaveLength(2);
});
