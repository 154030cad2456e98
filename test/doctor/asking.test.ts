import { expect, it } from 'vitest';
import { asking } from '../../server/doctor/ask/asking.ts';

const never = () => new Promise<never>(() => {});

it('what has no answer in time is unknown, and says so', async () => {
  const ask = asking(new AbortController().signal);
  expect(await ask(never, 5)).toEqual({ unknown: 'no answer within 5 ms', isRefused: false });
});

it('an interruption ends what waits, and what is asked afterwards', async () => {
  const controller = new AbortController();
  const ask = asking(controller.signal);
  const waiting = ask(never);
  controller.abort(new Error('interrupted'));
  await expect(waiting).rejects.toThrow('interrupted');
  await expect(ask(async () => 1)).rejects.toThrow('interrupted');
});
