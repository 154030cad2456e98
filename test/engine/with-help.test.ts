import { expect, test } from 'vitest';
import { entryOf, withHelp } from '../../server/engine/with-help.ts';

test.each(['The store is not ready', 'The store is not ready.'])(
  'a message ends with the place of its help: %s',
  (text) => {
    expect(withHelp(text, 'ready')).toBe(
      'The store is not ready. See latchkey/docs/troubleshooting.md#ready',
    );
  },
);

test('the place of a code’s reason has the name of both', () => {
  expect(entryOf('IDEMPOTENCY_KEY_INVALID', 'format')).toBe('IDEMPOTENCY_KEY_INVALID-format');
});
