import 'reflect-metadata';
import { YogaDriver, type YogaDriverConfig } from '@graphql-yoga/nestjs';
import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Args, GraphQLModule, Mutation, Resolver } from '@nestjs/graphql';
import type { YogaInitialContext } from 'graphql-yoga';
import { createIdempotency, type Idempotency } from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createMemoryStore } from 'latchkey/memory';
import { type Host, type HostOptions, provider } from './host.ts';

@Resolver()
class ChargeResolver {
  @Mutation()
  charge(@Args('amount') amount: number) {
    return provider.charge(amount);
  }
}

/** Makes the app of one `Idempotency`. */
function appOf(idempotency: Idempotency) {
  @Module({
    imports: [
      GraphQLModule.forRoot<YogaDriverConfig>({
        driver: YogaDriver,
        typeDefs: `
          type Query { ok: Boolean }
          type Charge { id: ID! amount: Int! }
          type Mutation { charge(amount: Int!): Charge! }
        `,
        plugins: [
          useIdempotency<YogaInitialContext>({
            idempotency,
            // Stands for your login. What a guard puts on Nest's request comes too late: guards run inside of the execution.
            scope: ({ context }) => context.request.headers.get('x-user'),
          }),
        ],
      }),
    ],
    providers: [ChargeResolver],
  })
  class App implements OnApplicationShutdown {
    onApplicationShutdown() {
      return idempotency.close();
    }
  }
  return App;
}

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();
  const app = await NestFactory.create(appOf(idempotency), { logger: false });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  return { url: `${await app.getUrl()}/graphql`, close: () => app.close() };
}
