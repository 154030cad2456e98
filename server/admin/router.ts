import { TRPCError } from '@trpc/server';
import { z } from 'zod';
import { readBody } from './bodies.ts';
import type { KeyPage, Me } from './contract.ts';
import { requireDetail } from './dashboard.ts';
import { readStored } from './detail.ts';
import { countNewer, listKeys } from './list.ts';
import { readOverview } from './overview.ts';
import { previewOf } from './preview.ts';
import { cursor, keyFilter, number64, part, recordId, windows } from './schemas.ts';
import { forViewers, router } from './trpc.ts';

const oneKey = z.strictObject({ id: recordId, life: number64.optional() });

const keys = router({
  list: forViewers
    .input(z.strictObject({ filter: keyFilter, cursor: cursor.optional() }))
    .query(({ ctx: { dashboard, operator }, input }): Promise<KeyPage> => {
      return listKeys(dashboard.records, { ...input, scopes: operator.scopes });
    }),

  newer: forViewers
    .input(z.strictObject({ filter: keyFilter, newest: cursor.nullable() }))
    .query(({ ctx: { dashboard, operator }, input: { filter, newest } }) =>
      countNewer(dashboard.records, { filter, scopes: operator.scopes }, newest),
    ),

  get: forViewers
    .input(oneKey)
    .query(({ ctx: { dashboard, operator }, input }) => requireDetail(dashboard, operator, input.id)),

  body: forViewers
    .input(oneKey.extend({ part, whole: z.boolean().optional() }))
    .query(async ({ ctx: { dashboard, operator }, input: { id, part, whole = false } }) => {
      await requireDetail(dashboard, operator, id);
      const { isSecret, open } = dashboard;
      const body = await readBody(dashboard.records, id, { part, whole, isSecret, open });
      if (!body) throw new TRPCError({ code: 'NOT_FOUND' });
      return body;
    }),

  preview: forViewers.input(oneKey).query(async ({ ctx: { dashboard, operator }, input: { id } }) => {
    const { response } = await requireDetail(dashboard, operator, id);
    const stored = await readStored(dashboard.records, id);
    if (!stored) throw new TRPCError({ code: 'NOT_FOUND' });
    return previewOf(stored.record, response, dashboard.policy, stored.now);
  }),
});

export const appRouter = router({
  me: forViewers.query(async ({ ctx: { dashboard, operator } }): Promise<Me> => {
    const now = await dashboard.records.now();
    return {
      operator: { id: operator.id, role: operator.role, scopes: operator.scopes ?? null },
      readOnly: dashboard.readOnly,
      namespace: dashboard.records.namespace,
      replayers: dashboard.replayers.map(({ format }) => format),
      now: now.getTime(),
    };
  }),
  overview: forViewers
    .input(z.strictObject({ window: windows }))
    .query(({ ctx: { dashboard, operator }, input }) =>
      readOverview(dashboard.records, operator, input.window),
    ),
  keys,
});

export type AppRouter = typeof appRouter;
