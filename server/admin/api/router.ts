import { TRPCError } from '@trpc/server';
import { z } from 'zod';
import { readBody } from '../bodies/bodies.ts';
import { requireLife } from '../collections/require-life.ts';
import { textOf } from '../collections/rows.ts';
import { act, dryRun } from '../commands/act.ts';
import { exportAudit } from '../commands/audit-export.ts';
import { diffVersions } from '../commands/diff.ts';
import { exportKeys } from '../commands/export.ts';
import { reveal } from '../commands/reveal.ts';
import type { KeyPage, Me } from '../contract.ts';
import { readStored } from '../keys/detail.ts';
import { countNewer, listKeys } from '../keys/list.ts';
import { readOverview } from '../keys/overview.ts';
import { previewOf } from '../keys/preview.ts';
import { requireDetail } from '../services.ts';
import { bulkRouter } from './bulk-router.ts';
import {
  actionCommand,
  auditFilter,
  commandKey,
  format,
  keyFilter,
  number64,
  part,
  reason,
  recordId,
  windows,
} from './schemas.ts';
import { forOperators, forViewers, router } from './trpc.ts';

const oneKey = z.strictObject({ id: recordId, life: number64.exactOptional() });

const keys = router({
  list: forViewers
    .input(z.strictObject({ filter: keyFilter, cursor: recordId.exactOptional() }))
    .query(({ ctx: { dashboard, operator }, input }): Promise<KeyPage> => {
      return listKeys(dashboard.records, { ...input, scopes: operator.scopes });
    }),

  newer: forViewers
    .input(z.strictObject({ filter: keyFilter, newest: recordId.nullable() }))
    .query(({ ctx: { dashboard, operator }, input: { filter, newest } }) =>
      countNewer(dashboard.records, { filter, scopes: operator.scopes }, newest),
    ),

  get: forViewers
    .input(oneKey)
    .query(({ ctx: { dashboard, operator }, input }) => requireDetail(dashboard, operator, input.id)),

  body: forViewers
    .input(oneKey.extend({ part, whole: z.boolean().exactOptional() }))
    .query(async ({ ctx: { dashboard, operator }, input: { id, life, part, whole = false } }) => {
      await requireDetail(dashboard, operator, id);
      const { secrets, open } = dashboard;
      const extent = whole ? 'whole' : 'beginning';
      const body = await readBody(dashboard.records, id, { life, part, extent, secrets, open });
      if (!body) throw new TRPCError({ code: 'NOT_FOUND' });
      return body;
    }),

  preview: forViewers.input(oneKey).query(async ({ ctx: { dashboard, operator }, input: { id, life } }) => {
    const { response } = await requireDetail(dashboard, operator, id);
    const stored = await readStored(dashboard.records, id);
    if (!stored) throw new TRPCError({ code: 'NOT_FOUND' });
    requireLife(textOf(stored.record.life), life);
    return previewOf(stored.record, response, dashboard.policy, stored.now);
  }),

  diff: forViewers
    .input(oneKey)
    .query(({ ctx: { dashboard, operator }, input }) => diffVersions(dashboard, operator, input)),

  // It asks the developer who the principal is now.
  dryRun: forOperators
    .input(oneKey)
    .query(({ ctx: { dashboard, operator }, input }) => dryRun(dashboard, operator, input)),

  reveal: forOperators
    .input(oneKey.extend({ part, reason, commandKey }))
    .mutation(({ ctx: { dashboard, operator }, input }) => reveal(dashboard, operator, input)),

  act: forOperators
    .input(actionCommand)
    .mutation(({ ctx: { dashboard, operator }, input }) => act(dashboard, operator, input)),

  export: forOperators
    .input(z.strictObject({ filter: keyFilter, format, reason, commandKey }))
    .mutation(({ ctx: { dashboard, operator }, input }) => exportKeys(dashboard, operator, input)),
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
  bulk: bulkRouter,
  audit: router({
    list: forViewers
      .input(z.strictObject({ ...auditFilter, cursor: recordId.exactOptional() }))
      .query(({ ctx: { dashboard, operator }, input }) => dashboard.audit.list(input, operator)),

    export: forOperators
      .input(z.strictObject({ filter: z.strictObject(auditFilter), format, reason, commandKey }))
      .mutation(({ ctx: { dashboard, operator }, input }) => exportAudit(dashboard, operator, input)),
  }),
});

export type AppRouter = typeof appRouter;
