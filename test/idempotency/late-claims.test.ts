import { expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, type Store } from '../../server/index.ts';
import { callOf } from '../support/calls.ts';
import { gate } from '../support/gate.ts';
import { code, done, passed, setUp } from './support.ts';

const LEASE = { leaseMs: 3_000, waitTimeoutMs: 60_000, onCrash: 'retry' } as const;

test('a claim that is acknowledged after another call took its key over starts nothing: it gets the result of that call', async () => {
  vi.useFakeTimers();
  let delayMs = 3_001;
  const { call, store } = setUp({
    ...LEASE,
    store: {
      claim: (request) => store.claim(request).finally(() => passed(delayMs)),
    },
  });
  const handler = vi.fn(done);
  const late = call(handler);
  await vi.advanceTimersByTimeAsync(3_000);
  delayMs = 0;
  const other = createIdempotency({ store, ...LEASE });
  const end = gate();
  const newer = internalsOf(other).execute(callOf(other, () => end.then(() => ({ data: 'newer' }))));
  await vi.advanceTimersByTimeAsync(1);
  end.open();
  await vi.advanceTimersByTimeAsync(1);
  expect(await newer).toMatchObject({ replayed: false });
  expect(await late).toMatchObject({ value: { data: 'newer' }, replayed: true });
  expect(handler).not.toHaveBeenCalled();
});

test('a claim that is acknowledged late starts nothing when its process began to close during its renewal', async () => {
  vi.useFakeTimers();
  const giveUp = vi.fn();
  const { call, idempotency, store } = setUp({
    ...LEASE,
    store: {
      claim: (request) => store.claim(request).finally(() => passed(1_001)),
      renew: (held, terms) => store.renew(held, terms).finally(() => passed(500)),
      giveUp,
    },
  });
  const handler = vi.fn(done);
  const refused = expect(call(handler)).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  await vi.advanceTimersByTimeAsync(1_200);
  const closed = idempotency.close();
  await vi.advanceTimersByTimeAsync(500);
  await refused;
  await closed;
  expect(handler).not.toHaveBeenCalled();
  expect(giveUp).toHaveBeenCalledOnce();
});

test('a claim that finds its key free as its process closes is not sent again', async () => {
  const [asked, answered] = [gate(), gate()];
  const claim = vi.fn<Store['claim']>((request) => store.claim(request));
  claim.mockImplementationOnce(async () => {
    asked.open();
    await answered;
    return { won: false, record: null, now: new Date() };
  });
  const { call, idempotency, store } = setUp({ store: { claim } });
  const refused = expect(call(done)).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  await asked;
  const closed = idempotency.close();
  answered.open();
  await refused;
  await closed;
  expect(claim).toHaveBeenCalledOnce();
});
