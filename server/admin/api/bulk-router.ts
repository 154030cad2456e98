import { z } from 'zod';
import { planJob } from '../bulk/bulk.ts';
import { cancelJob, resumeJob, startJob } from '../commands/job-commands.ts';
import type { Job } from '../contract/job.ts';
import { commandKey, confirmations, jobPlan, reason } from './schemas.ts';
import { forOperators, forViewers, router } from './trpc.ts';

const id = z.uuid();
const itemCursor = z.string().regex(/^[0-9a-f-]{36}:\d{6}$/, 'Expected a cursor of the keys of a job');

export const bulkRouter = router({
  plan: forOperators
    .input(jobPlan)
    .mutation(({ ctx: { services, operator }, input }) => planJob(services, operator, input)),

  start: forOperators
    .input(z.strictObject({ id, count: z.int().min(0), ...confirmations, commandKey }))
    .mutation(({ ctx: { services, operator }, input }) => startJob(services, operator, input)),

  cancel: forOperators
    .input(z.strictObject({ id, reason, commandKey }))
    .mutation(({ ctx: { services, operator }, input }) => cancelJob(services, operator, input)),

  resume: forOperators
    .input(z.strictObject({ id, commandKey }))
    .mutation(({ ctx: { services, operator }, input }) => resumeJob(services, operator, input)),

  list: forViewers.query(({ ctx: { services, operator } }): Promise<Job[]> => services.jobs.list(operator)),

  get: forViewers
    .input(z.strictObject({ id, cursor: itemCursor.exactOptional() }))
    .query(async ({ ctx: { services, operator }, input }) => {
      const job = await services.jobs.shown(await services.jobs.require(input.id, operator));
      return { job, ...(await services.jobs.items.page(input.id, input.cursor)) };
    }),
});
