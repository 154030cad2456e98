import 'reflect-metadata';
import {
  Body,
  type CallHandler,
  Controller,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  Post,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Request as Req, Response as Res } from 'express';
import { createIdempotency, type Idempotency } from 'latchkey';
import { createIdempotencyHandler, toRequest } from 'latchkey/http';
import { idempotencyHeaders } from 'latchkey/key';
import { createMemoryStore } from 'latchkey/memory';
import { lastValueFrom, of } from 'rxjs';
import { type Host, type HostOptions, provider } from './host.ts';

const IDEMPOTENCY = Symbol('Idempotency');

/** Runs a route once for each key. Guards have been asked before, also for a retry. */
@Injectable()
class IdempotencyInterceptor implements NestInterceptor {
  readonly #handle;

  constructor(@Inject(IDEMPOTENCY) idempotency: Idempotency) {
    const idempotent = createIdempotencyHandler<[CallHandler, Req]>({
      idempotency,
      scope: ({ rest: [, req] }) => req.get('x-user'), // stands for your login: req.user?.id
      require: true,
    });
    this.#handle = idempotent((_request, next) => answerOf(next));
  }

  async intercept(context: ExecutionContext, next: CallHandler) {
    const http = context.switchToHttp();
    const [req, res] = [http.getRequest<Req>(), http.getResponse<Res>()];
    const answer = await this.#handle(toRequest(req, res), next, req);
    for (const name of idempotencyHeaders().response) {
      const value = answer.headers.get(name);
      if (value !== null) res.setHeader(name, value);
    }
    const body = await answer.json();
    if (!answer.ok) throw new HttpException(body, answer.status);
    return of(body);
  }
}

/** What the route returns, and what it or its pipes refuse, is the outcome of its key. Any other error leaves it in doubt. */
async function answerOf(next: CallHandler): Promise<Response> {
  try {
    return Response.json(await lastValueFrom(next.handle()));
  } catch (error) {
    if (!(error instanceof HttpException)) throw error;
    return Response.json(error.getResponse(), { status: error.getStatus() });
  }
}

@Controller()
class PaymentController {
  @Post('payments')
  @UseInterceptors(IdempotencyInterceptor)
  pay(@Body() { amount }: { amount: number }) {
    return provider.charge(amount);
  }
}

function appOf(idempotency: Idempotency) {
  @Module({
    controllers: [PaymentController],
    providers: [{ provide: IDEMPOTENCY, useValue: idempotency }],
  })
  class App {
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
  app.enableShutdownHooks(); // on SIGTERM, Nest closes what has onApplicationShutdown
  await app.listen(0, '127.0.0.1');
  return { url: `${await app.getUrl()}/payments`, close: () => app.close() };
}
