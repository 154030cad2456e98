import { expect, test, vi } from 'vitest';
import { act, read, startAdmin } from './support.ts';

const call = { scope: 'acme', key: 'msg_1', operation: 'ship', input: { order: 5 } };

/** A function under a key threw, so that an operator has to decide. */
async function inDoubt() {
  const admin = await startAdmin({ idempotency: { captureRequest: true } });
  const failing = () => Promise.reject(new Error('no answer'));
  await expect(admin.idempotency.run(call, failing)).rejects.toThrow('no answer');
  const stored = await admin.db.collection('idempotency_keys').findOne({ key: call.key });
  return { admin, id: String(stored?._id) };
}

test('an operator gives the value of a call in doubt, and the next delivery gets it', async () => {
  const { admin, id } = await inDoubt();
  await using _ = admin;
  const detail = await read(admin, id);
  expect(detail).toMatchObject({ state: 'in_doubt', operation: 'ship' });
  await act(admin.ada, detail, 'complete', { response: '{"label":"l_1"}' });
  const again = vi.fn();
  expect(await admin.idempotency.run(call, again)).toEqual({ label: 'l_1' });
  expect(again).not.toHaveBeenCalled();
});

test('an operator says that a call failed, and the next delivery gets an error with that message', async () => {
  const { admin, id } = await inDoubt();
  await using _ = admin;
  await act(admin.ada, await read(admin, id), 'fail', { response: 'out of stock' });
  await expect(admin.idempotency.run(call, vi.fn())).rejects.toMatchObject({
    name: 'Error',
    message: 'out of stock',
  });
});
