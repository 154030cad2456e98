import { expect, it } from 'vitest';
import { startWorker } from './worker.ts';

const echo = new URL('./worker-echo.ts', import.meta.url);

it('a worker runs TypeScript in a process of its own and answers', async () => {
  await using worker = await startWorker(echo, { env: { GREETING: 'hello' } });
  worker.send({ when: new Date(0) });
  expect(await worker.next()).toEqual({ when: new Date(0), greeting: 'hello', pid: worker.pid });
  expect(worker.pid).not.toBe(process.pid);
});

it('a killed worker says by what', async () => {
  await using worker = await startWorker(echo);
  worker.kill('SIGKILL');
  expect(await worker.exit).toEqual({ code: null, signal: 'SIGKILL' });
});

it('a worker that ends early fails with what it wrote to standard error', async () => {
  await expect(startWorker(echo, { args: ['crash'] })).rejects.toThrow(
    /before its next message[\s\S]*crashed on purpose/,
  );
});

it('a frozen worker does not answer until it goes on, and disposing of it ends it', async () => {
  await using worker = await startWorker(echo);
  await worker.kill('SIGSTOP');
  worker.send({});
  const answer = worker.next();
  worker.kill('SIGCONT');
  expect(await answer).toMatchObject({ pid: worker.pid });
  await worker.kill('SIGSTOP');
});
