// This file declares what the code in these pages takes as given, and you have already: users, a schema, a payment provider, a database. Each block of
// the pages is compiled beside this file, under `strict`: `npm run types:docs`.
import { initTRPC } from '@trpc/server';
import type { GraphQLSchema } from 'graphql';
import type { YogaServerInstance } from 'graphql-yoga';
import type { Idempotency, Store } from 'latchkey';
import type { HttpHandler } from 'latchkey/http';
import { createKeyStatusProcedure } from 'latchkey/trpc';
import type { Db } from 'mongodb';
import { z } from 'zod';

/** The shop's tRPC root and its procedures, for their types. */
function shop() {
  const t = initTRPC.context<Context>().create();
  const authed = t.procedure.use(({ ctx, next }) => next({ ctx: { user: ctx.user as User } }));
  const Payment = z.object({ orderNumber: z.string(), amount: z.number() });
  const pay = authed
    .input(z.object({ invoiceId: z.string(), amount: z.number() }))
    .mutation((): Charge => ({ id: 'ch_1' }));
  const keyStatus = createKeyStatusProcedure(t, { idempotency, scope: ({ ctx }) => ctx.user?.id });
  return { t, authed, Payment, appRouter: t.router({ invoices: { pay }, keyStatus }) };
}

declare global {
  // Who calls, and what a request brings along
  interface User {
    id: string;
    email: string;
    isStaff: boolean;
    isBookkeeper: boolean;
    /** Tells whether the user may call the operation of this name. */
    may(operation: string): boolean;
    mayPay(invoiceId: string): boolean;
  }
  interface Context {
    user?: User | undefined;
  }
  const user: User;
  const request: Request;
  function sessionOf(request: Request): Promise<User | null>;

  // The parts of Latchkey that the first pages make
  const idempotency: Idempotency;
  const store: Store;
  const key: string;

  // A database, and a provider of payments that honours idempotency keys
  const db: Db;
  interface Charge {
    id: string;
  }
  const provider: {
    charge(payment: object, options: { idempotencyKey: string | undefined }): Promise<Charge>;
    find(query: {
      idempotencyKey: string;
      amount?: number;
      signal: AbortSignal;
    }): Promise<Charge | undefined>;
  };
  function charge(payment: object, idempotencyKey?: string): Promise<Charge>;

  // GraphQL
  const schema: GraphQLSchema;
  const typeDefs: string;
  const resolvers: Record<string, Record<string, () => unknown>>;
  /** GraphQL Code Generator makes this type of the schema. */
  interface Resolvers {
    Mutation: {
      chargeCard(parent: unknown, args: { amount: number }): Promise<Charge>;
      createApiKey(parent: unknown, args: { name: string }): Promise<string>;
    };
  }
  const yoga: YogaServerInstance<object, object>;

  // tRPC
  const t: ReturnType<typeof shop>['t'];
  const authed: ReturnType<typeof shop>['authed'];
  const Payment: ReturnType<typeof shop>['Payment'];
  type AppRouter = ReturnType<typeof shop>['appRouter'];
  const appRouter: AppRouter;

  // Plain HTTP
  const pay: HttpHandler<[]>;

  // A queue, and a carrier that honours idempotency keys
  const message: { id: string; body: { order: string; grams: number } };
  function buyLabel(parcel: object, options: { idempotencyKey: string }): Promise<{ id: string }>;

  /** `docs/testing.md` begins with this application. */
  function createApp(idempotency: Idempotency): {
    handle(request: Request): Promise<Response>;
    count(what: string): number;
  };

  // A page
  const invoice: { id: string };
  function show(result: unknown): void;
}
