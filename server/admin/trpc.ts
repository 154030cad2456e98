import { initTRPC, TRPCError } from '@trpc/server';
import type { Operator, Role } from './contract.ts';
import type { Dashboard } from './dashboard.ts';

export interface Context {
  readonly operator: Operator;
  readonly dashboard: Dashboard;
}

const RANKS: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

const t = initTRPC.context<Context>().create({
  isDev: false,
  errorFormatter({ shape, error }) {
    const { path, httpStatus, code } = shape.data;
    // What went wrong inside is for the host's log.
    const message = error.code === 'INTERNAL_SERVER_ERROR' ? 'Something went wrong' : shape.message;
    return { code: shape.code, message, data: { path, httpStatus, code } };
  },
});

export const { router } = t;

const atLeast = (role: Role) =>
  t.middleware(({ ctx, next }) => {
    if (!hasRole(ctx.operator, role)) {
      throw new TRPCError({ code: 'FORBIDDEN', message: `This needs the role ${role}` });
    }
    return next();
  });

const writable = t.middleware(({ ctx, next }) => {
  if (ctx.dashboard.readOnly) {
    throw new TRPCError({ code: 'FORBIDDEN', message: 'This dashboard is read-only' });
  }
  return next();
});

export const hasRole = ({ role }: Operator, wanted: Role): boolean => RANKS[role] >= RANKS[wanted];

/** Each procedure is one of these three: there is none without a role. */
export const forViewers = t.procedure.use(atLeast('viewer'));
export const forOperators = t.procedure.use(atLeast('operator')).use(writable);
export const forAdmins = t.procedure.use(atLeast('admin')).use(writable);
