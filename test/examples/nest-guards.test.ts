import 'reflect-metadata';
import { YogaDriver, type YogaDriverConfig } from '@graphql-yoga/nestjs';
import { type CanActivate, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule, Mutation, Resolver } from '@nestjs/graphql';
import type { YogaInitialContext } from 'graphql-yoga';
import { expect, it, onTestFinished } from 'vitest';
import { type UseIdempotencyOptions, useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

/** Starts a Nest app with a guard in front of its mutation. */
async function start(options: Partial<UseIdempotencyOptions<YogaInitialContext>> = {}) {
  const asked: string[] = [];
  class Guard implements CanActivate {
    canActivate() {
      asked.push('guard');
      return true;
    }
  }
  class Payments {
    pay() {
      asked.push('resolver');
      return 5;
    }
  }
  class App {}
  // What `@Resolver()`, `@Mutation()`, `@UseGuards(Guard)` and `@Module()` are short for.
  const pay = Object.getOwnPropertyDescriptor(Payments.prototype, 'pay') as PropertyDescriptor;
  Resolver()(Payments);
  Mutation()(Payments.prototype, 'pay', pay);
  UseGuards(Guard)(Payments.prototype, 'pay', pay);
  const idempotency = createIdempotency({ store: createMemoryStore() });
  Module({
    imports: [
      GraphQLModule.forRoot<YogaDriverConfig>({
        driver: YogaDriver,
        typeDefs: 'type Query { ok: Boolean } type Mutation { pay: Int }',
        plugins: [useIdempotency<YogaInitialContext>({ idempotency, scope: () => 'ada', ...options })],
      }),
    ],
    providers: [Payments],
  })(App);
  const app = await NestFactory.create(App, { logger: false });
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  const url = `${await app.getUrl()}/graphql`;
  const send = async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: '{"query":"mutation { pay }"}',
    });
    return { status: response.status, text: await response.text() };
  };
  return { asked, send };
}

it('a guard of a resolver is asked for a run, and not for a replay', async () => {
  const { asked, send } = await start();
  for (let call = 0; call < 2; call++)
    expect(await send()).toEqual({ status: 200, text: '{"data":{"pay":5}}' });
  expect(asked).toEqual(['guard', 'resolver']);
});

it('`authorizeReplay` is asked in place of a guard', async () => {
  const seen: string[] = [];
  const { asked, send } = await start({ authorizeReplay: () => seen.push('authorizeReplay') === 0 });
  await send();
  expect(await send()).toMatchObject({
    status: 403,
    text: expect.stringContaining('IDEMPOTENCY_REPLAY_FORBIDDEN'),
  });
  expect([...asked, ...seen]).toEqual(['guard', 'resolver', 'authorizeReplay']);
});
