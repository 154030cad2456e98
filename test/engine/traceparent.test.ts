import { expect, test } from 'vitest';
import { readTraceparent, traceparentOf } from '../../server/engine/traceparent.ts';

const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'] as const;
const of = (...parts: string[]) => parts.join('-');

test.each([
  ['01', true],
  ['00', false],
  ['03', true],
  ['02', false],
  ['ff', true],
])('the span of a run is read from its traceparent; flags %s: sampled is %s', (flags, sampled) => {
  const traceparent = of('00', traceId, spanId, flags);
  expect(readTraceparent(traceparent)).toEqual({ traceId, spanId, sampled, traceparent });
  expect(traceparentOf({ traceparent })).toBe(traceparent);
});

test('an id may begin with zeros, of which it may not consist', () => {
  const ids = { traceId: `${'0'.repeat(31)}1`, spanId: `${'0'.repeat(15)}1` };
  expect(readTraceparent(of('00', ids.traceId, ids.spanId, '01'))).toMatchObject(ids);
});

const good = of('00', traceId, spanId, '01');
test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['a list of one', [good]],
  ['an empty text', ''],
  ['another version', of('01', traceId, spanId, '01')],
  ['a trace of zeros', of('00', '0'.repeat(32), spanId, '01')],
  ['a span of zeros', of('00', traceId, '0'.repeat(16), '01')],
  ['a trace that is too short', of('00', traceId.slice(1), spanId, '01')],
  ['a span that is too long', of('00', traceId, `${spanId}0`, '01')],
  ['flags that are too long', `${good}0`],
  ['flags that are too short', good.slice(0, -1)],
  ['digits that are none', of('00', 'g'.repeat(32), spanId, '01')],
  ['something before it', ` ${good}`],
  ['something after it', `${good}-x`],
])('a damaged one is a link that is lost, and nothing more: %s', (_, traceparent) => {
  expect(readTraceparent(traceparent)).toBeUndefined();
  expect(traceparentOf({ traceparent })).toBeUndefined();
});

test('a run that was not traced has none', () => {
  expect(traceparentOf({})).toBeUndefined();
});
