import { expect, test } from 'vitest';
import { createDashboard } from '../../server/admin/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { emptyDatabase } from '../support/database.ts';

test('`await using` closes a dashboard, and the keys that it shows', async () => {
  await using database = await emptyDatabase();
  const store = createMongoStore({ db: database.db });
  {
    await using idempotency = createIdempotency({ store });
    await using dashboard = createDashboard({ idempotency, authorize: () => null });
    expect((await dashboard(new Request('http://x/'))).status).toBe(401);
    await idempotency.ready();
  }
  await expect(store.ready({ transactions: false })).rejects.toMatchObject({ reason: 'closing' });
});
