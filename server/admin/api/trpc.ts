import { initTRPC, TRPCError } from '@trpc/server';
import { z } from 'zod';
import { isUnreachable } from '../collections/records.ts';
import { recordRefusal } from '../collections/refused-entry.ts';
import { requireDetail } from '../commands/find-detail.ts';
import type { Operator, Role } from '../contract/operator.ts';
import { refusalSentence } from '../contract/refusal.ts';
import type { AdminServices } from '../services/services.ts';
import { inputProblems, isInputError } from './input-problems.ts';
import { attempt, recordId } from './schemas.ts';

export interface Context {
  readonly operator: Operator;
  readonly services: AdminServices;
}

const RANKS: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

const t = initTRPC.context<Context>().create({
  isDev: false,
  errorFormatter({ shape, error, input }) {
    const { path, httpStatus, code } = shape.data;
    // The page learns what was wrong with its request; what went wrong inside is for the host's log.
    const message = messageOf(error, input) ?? shape.message;
    return { code: shape.code, message, data: { path, httpStatus, code } };
  },
});

export const { router, createCallerFactory } = t;

function messageOf({ code, cause }: TRPCError, input: unknown): string | undefined {
  if (code === 'INTERNAL_SERVER_ERROR') return 'Something went wrong';
  if (code === 'PARSE_ERROR' || cause instanceof SyntaxError) return 'Expected the input to be JSON';
  return isInputError(cause) ? inputProblems(cause, input) : undefined;
}

const atLeast = (role: Role) =>
  t.middleware(async ({ ctx, next, path, type, getRawInput }) => {
    if (hasRole(ctx.operator, role)) return next();
    const why = refusalSentence({ code: 'needs_role', role });
    if (type === 'mutation') {
      const about = attempt.parse(await getRawInput());
      await recordRefusal(ctx.services, ctx.operator, { action: auditName(path), ...about, why });
    }
    throw new TRPCError({ code: 'FORBIDDEN', message: why });
  });

/**
 * Makes the name that a procedure has in the audit: `bulk.start` is `bulk_start` there, `keys.reveal` is `reveal`.
 */
const auditName = (path: string) => path.replace('keys.', '').replace('.', '_');

const writable = t.middleware(({ ctx, next }) => {
  if (ctx.services.readOnly) {
    throw new TRPCError({ code: 'FORBIDDEN', message: refusalSentence({ code: 'read_only' }) });
  }
  return next();
});

const hasRole = ({ role }: Operator, wanted: Role): boolean => RANKS[role] >= RANKS[wanted];

const reaching = t.middleware(async ({ next }) => {
  const result = await next();
  if (result.ok || !isUnreachable(result.error.cause)) return result;
  const { cause } = result.error;
  throw new TRPCError({ code: 'SERVICE_UNAVAILABLE', message: 'The database can not be reached', cause });
});

/** A procedure is made from one of these two, so that none is without a role. */
export const forViewers = t.procedure.use(atLeast('viewer')).use(reaching);
export const forOperators = t.procedure.use(atLeast('operator')).use(writable).use(reaching);

/**
 * Loads the key that the input names as the operator may see it, or answers 404. This comes after the procedure's own
 * input, which is checked whole first.
 */
export const withKey = t.procedure
  .input(z.object({ id: recordId }))
  .use(async ({ ctx: { services, operator }, input, next }) =>
    next({ ctx: { key: await requireDetail(services, operator, input.id) } }),
  );
