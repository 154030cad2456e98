import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { processWide } from '../../server/engine/process-wide.ts';

/** Each test has a name of its own: what is shared under a name outlives the test. */
const freshName = () => `test ${randomUUID()}`;

test('all copies of the package share one thing, which the first of them makes', () => {
  const name = freshName();
  const first = processWide(name, 1, () => new Map());
  expect(first).toBeInstanceOf(Map);
  expect(processWide(name, 1, () => expect.unreachable())).toBe(first);
  expect(processWide(freshName(), 1, () => new Map())).not.toBe(first);
});

test('a copy with another protocol is refused, and the message says which two', () => {
  const name = freshName();
  processWide(name, 1, () => 'runs');
  for (const protocol of [0, 2])
    expect(() => processWide(name, protocol, () => 'runs')).toThrow(
      new RegExp(`the first one has protocol 1 of \`${name}\`, this one ${protocol},.*#two-copies$`),
    );
  expect(processWide(name, 1, () => expect.unreachable())).toBe('runs');
});
