import { expect, test } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createCipher, createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf } from '../support/calls.ts';

const cipher = createCipher({ current: 'k1', keys: { k1: new Uint8Array(32).fill(7) } });

/** The same call by a server that writes its results in one format, and by one that writes them in another. */
async function readAs(written: string, read: string) {
  const idempotency = createIdempotency({ store: createMemoryStore(), cipher });
  const call = callOf(idempotency, async () => ({ data: 'done' }));
  await internalsOf(idempotency).execute({ ...call, codec: { ...call.codec, format: written } });
  return internalsOf(idempotency).execute({ ...call, codec: { ...call.codec, format: read } });
}

test.each([
  ['test/1', 'test/1'],
  ['test/1 as aa', 'test/1 as aa'],
  ['test/1', 'test/1 as aa'],
])('what was written as `%s` is a replay for `%s`, also when it is encrypted', async (written, read) => {
  expect(await readAs(written, read)).toEqual({
    value: { data: 'done' },
    replayed: true,
    expiresAt: expect.any(Date),
  });
});

test.each([
  ['test/1 as aa', 'test/1 as bb', 'IDEMPOTENCY_RECORD_UNREADABLE', 'transformer'],
  ['test/1 as aa', 'test/1', 'IDEMPOTENCY_RECORD_UNREADABLE', 'transformer'],
  ['test/1', 'test/2', 'IDEMPOTENCY_RESULT_NOT_RETAINED', 'unknown_format'],
  ['test/1 as aa', 'test/2 as aa', 'IDEMPOTENCY_RESULT_NOT_RETAINED', 'unknown_format'],
])('what was written as `%s` is not guessed at by `%s`', async (written, read, code, reason) => {
  const retryable = reason === 'unknown_format'; // a newer release has written it: its processes can answer
  await expect(readAs(written, read)).rejects.toMatchObject({ code, reason, retryable });
});
