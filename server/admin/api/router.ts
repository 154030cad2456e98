import { z } from 'zod';
import { readBody } from '../bodies/read-body.ts';
import { act, dryRun } from '../commands/act.ts';
import { exportAudit } from '../commands/audit-export.ts';
import { diffVersions } from '../commands/diff.ts';
import { readEvidence } from '../commands/evidence.ts';
import { exportKeys } from '../commands/export.ts';
import { noSuchKey, requireDetail } from '../commands/find-detail.ts';
import { reveal } from '../commands/reveal.ts';
import type {
  Attention,
  Duplicates,
  Evidence,
  FoundKeys,
  KeyAt,
  KeyPage,
  Me,
  OperationPage,
} from '../contract/contract.ts';
import { listDuplicates } from '../keys/call-notes.ts';
import { findKeyAt, findKeys } from '../keys/find.ts';
import { countNewer, listKeys } from '../keys/list.ts';
import { readOperation } from '../keys/operation.ts';
import { readAttention, readOverview } from '../keys/overview.ts';
import { readPreview } from '../keys/preview.ts';
import { bulkRouter } from './bulk-router.ts';
import {
  actionCommand,
  auditFilter,
  commandKey,
  format,
  keyAddress,
  keyFilter,
  number64,
  operationName,
  part,
  reason,
  recordId,
  windows,
} from './schemas.ts';
import { forOperators, forViewers, router, withKey } from './trpc.ts';

const oneKey = z.strictObject({ id: recordId, life: number64.exactOptional() });

const keys = router({
  list: forViewers
    .input(z.strictObject({ filter: keyFilter, cursor: recordId.exactOptional() }))
    .query(({ ctx: { services, operator }, input }): Promise<KeyPage> => {
      return listKeys(services.records, { ...input, scopes: operator.scopes });
    }),

  // This finds what a customer gives, or a log: see `soughtIn`.
  find: forViewers
    .input(z.strictObject({ text: z.string().trim().min(1).max(10_000) }))
    .query(
      ({ ctx: { services, operator }, input: { text } }): Promise<FoundKeys> =>
        findKeys(services.records, operator.scopes, text),
    ),

  // Links lead here: `/keys/by?recordId=…` and `/keys/by?scope=…&key=…`.
  by: forViewers.input(keyAddress).query(async ({ ctx: { services, operator }, input }): Promise<KeyAt> => {
    const found = await findKeyAt(services.records, operator.scopes, input);
    if (!found) throw noSuchKey();
    return found;
  }),

  newer: forViewers
    .input(z.strictObject({ filter: keyFilter, newest: recordId.nullable() }))
    .query(({ ctx: { services, operator }, input: { filter, newest } }) =>
      countNewer(services.records, { filter, scopes: operator.scopes }, newest),
    ),

  get: forViewers
    .input(oneKey)
    .concat(withKey)
    .query(({ ctx: { key } }) => key),

  body: forViewers
    .input(oneKey.extend({ part, whole: z.boolean().exactOptional() }))
    .query(async ({ ctx: { services, operator }, input: { id, life, part, whole = false } }) => {
      const { records, secrets, open } = services;
      const { scopes } = operator;
      const extent = whole ? 'whole' : 'beginning';
      const body = await readBody(records, id, { scopes, life, part, extent, secrets, open });
      if (!body) throw noSuchKey();
      return body;
    }),

  preview: forViewers.input(oneKey).query(async ({ ctx: { services, operator }, input: { id, life } }) => {
    const { records, policy } = services;
    const preview = await readPreview(records, id, { scopes: operator.scopes, life, policy });
    if (!preview) throw noSuchKey();
    return preview;
  }),

  diff: forViewers
    .input(oneKey)
    .concat(withKey)
    .query(({ ctx: { services, key }, input }) => diffVersions(services, key, input.life)),

  // A dry run asks the developer whom to act as now, so a viewer may not ask for one.
  dryRun: forOperators
    .input(oneKey)
    .concat(withKey)
    .query(({ ctx: { services, key }, input }) => dryRun(services, key, input.life)),

  // A probe asks another service, and its answer is shown as it is: not to a viewer.
  evidence: forOperators
    .input(oneKey)
    .concat(withKey)
    .query(
      ({ ctx: { services, operator, key }, input }): Promise<Evidence> =>
        readEvidence(services, operator, key, input.life),
    ),

  reveal: forOperators
    .input(oneKey.extend({ part, reason, commandKey }))
    .concat(withKey)
    .mutation(({ ctx: { services, operator, key }, input }) => reveal(services, operator, { ...input, key })),

  act: forOperators.input(actionCommand).mutation(async ({ ctx: { services, operator }, input: command }) => {
    const key = await requireDetail(services, operator, command.seen.id);
    return act(services, operator, { key, command });
  }),

  export: forOperators
    .input(z.strictObject({ filter: keyFilter, format, reason, commandKey }))
    .mutation(({ ctx: { services, operator }, input }) => exportKeys(services, operator, input)),
});

export const appRouter = router({
  me: forViewers.query(async ({ ctx: { services, operator } }): Promise<Me> => {
    const now = await services.records.now();
    return {
      operator: { id: operator.id, role: operator.role, scopes: operator.scopes ?? null },
      readOnly: services.readOnly,
      namespace: services.records.namespace,
      rerunners: services.rerunners.map(({ format }) => format),
      now: now.getTime(),
    };
  }),
  // The count in the title of the tab: it costs less than the overview.
  attention: forViewers.query(
    ({ ctx: { services, operator } }): Promise<Attention> => readAttention(services.records, operator.scopes),
  ),
  // This lists requests that came under several keys: by a client that makes a new key for each attempt.
  duplicates: forViewers.query(
    ({ ctx: { services, operator } }): Promise<Duplicates> =>
      listDuplicates(services.records, operator.scopes),
  ),
  overview: forViewers
    .input(z.strictObject({ window: windows }))
    .query(({ ctx: { services, operator }, input }) =>
      readOverview(services.records, operator, input.window),
    ),
  operation: forViewers
    .input(z.strictObject({ operation: operationName, window: windows }))
    .query(
      ({ ctx: { services, operator }, input }): Promise<OperationPage> =>
        readOperation(services, operator, input),
    ),
  keys,
  bulk: bulkRouter,
  audit: router({
    list: forViewers
      .input(z.strictObject({ ...auditFilter, cursor: recordId.exactOptional() }))
      .query(({ ctx: { services, operator }, input }) => services.audit.list(input, operator)),

    export: forOperators
      .input(z.strictObject({ filter: z.strictObject(auditFilter), format, reason, commandKey }))
      .mutation(({ ctx: { services, operator }, input }) => exportAudit(services, operator, input)),
  }),
});

export type AppRouter = typeof appRouter;
