import { expect, it } from 'vitest';
import { noCounts } from '../../server/engine/stats.ts';
import { mongoPort } from '../support/database.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { openStore } from './open-store.ts';

it.each(['close', 'silence'] as const)(
  'counts go on when the answer about their indexes is lost (%s)',
  async (clientSees) => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri, timeoutMs: 500 });
    const { store, database } = opened;
    const delta = {
      counted: [{ operation: 'pay', agoMs: 0, counts: { ...noCounts(), success: 1 } }],
      replayed: [],
    };
    const dropped = proxy.dropReply(['createIndexes', '_stats'], { clientSees });
    await Promise.all([dropped, store.count?.(delta).catch(() => {})]);
    await store.count?.(delta);
    const stats = database.db.collection('idempotency_keys_stats');
    expect(await stats.countDocuments()).toBeGreaterThan(0);
    expect((await stats.indexes()).map(({ name }) => name)).toContain('expiresAt_1');
  },
);
