import { expect, it } from 'vitest';
import type { StoreCommand } from '../../server/engine/store-command.ts';
import { CommandObservers } from '../../server/mongodb/command-observers.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { mongoPort } from '../support/database.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { COLLECTION, openEmptyStore, openStore } from './open-store.ts';

const ms = expect.any(Number);
const plain = (command: StoreCommand['command'], size = 1) => ({ command, size, again: 0, durationMs: ms });

it('a listener hears of each command: what it was for, how many writes it held, how long it took', async () => {
  await using opened = await openEmptyStore();
  const heard: StoreCommand[] = [];
  const stop = opened.store.observe?.((command) => heard.push(command));
  const claims = await Promise.all([1, 2, 3].map(() => opened.store.claim(freshClaim())));
  expect(heard.splice(0)).toEqual([plain('claim', 3)]);
  const [claim] = claims;
  if (!claim?.won) throw new Error('Expected to win');
  await opened.store.settle(claim.held, completed);
  expect(heard.splice(0)).toEqual([plain('settle')]);
  await opened.store.read(claim.held, 'head');
  expect(heard.splice(0)).toEqual([plain('read')]);
  await opened.store.takeOver(rivalOf(freshClaim({ key: claim.held.key })), claim.held, 'running');
  expect(heard.splice(0)).toEqual([plain('reclaim'), plain('read')]);
  stop?.();
  await opened.win();
  expect(heard).toEqual([]);
});

it('while nobody listens, nothing is measured', () => {
  const observers = new CommandObservers();
  const describe = (): never => {
    throw new Error('asked');
  };
  expect(observers.sent(describe)).toBeUndefined();
  observers.add(() => {})();
  expect(observers.sent(describe)).toBeUndefined();
});

it.each([
  ['close', 'error'],
  ['silence', 'timeout'],
] as const)(
  'a command whose answer is lost (%s) has failed, and the next one sends its write again',
  async (clientSees, failure) => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri });
    const heard: StoreCommand[] = [];
    opened.store.observe?.((command) => heard.push(command));
    const dropped = proxy.dropReply(['update', COLLECTION], { clientSees });
    await opened.win();
    await dropped;
    const claims = heard.filter(({ command }) => command !== 'read');
    expect(claims[0]).toEqual({ ...plain('claim'), failure });
    expect(claims[1]).toEqual({ ...plain('claim'), again: 1 });
  },
);

it.each([
  ['close', 'error'],
  ['silence', 'timeout'],
] as const)('a read whose answer is lost (%s) has failed, and is sent again', async (clientSees, failure) => {
  await using proxy = await startProxy(mongoPort());
  await using opened = await openStore({ uri: proxy.uri, timeoutMs: 1_000 });
  const heard: StoreCommand[] = [];
  opened.store.observe?.((command) => heard.push(command));
  const dropped = proxy.dropReply(['find', COLLECTION], { clientSees });
  await opened.store.read(freshClaim(), 'head');
  await dropped;
  await until(() => expect(heard).toHaveLength(2));
  expect(heard).toContainEqual({ ...plain('read'), failure });
  expect(heard).toContainEqual({ ...plain('read'), again: 1 });
});
