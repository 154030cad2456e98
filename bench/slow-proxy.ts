import { startProxy } from '../test/support/tcp-proxy.ts';

// The way to a server that is far away: a process of its own, so that its work does not count as the client's.
const proxy = await startProxy(Number(process.argv[2]));
process.on('message', (delayMs: number) => {
  proxy.delayMs = delayMs;
  process.send?.(delayMs);
});
process.send?.('ready');
process.send?.(proxy.port);
