import 'reflect-metadata';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parse } from 'node:querystring';
import { bodyParser } from '@koa/bodyparser';
import { Controller, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import express4 from 'express4';
import fastify, { type FastifyInstance } from 'fastify';
import Koa from 'koa';
import { toFastifyHandler, toKoaHandler, toNodeHandler } from '../../plugin/http/index.ts';
import { listen } from '../support/listen.ts';
import { type Sent, send } from './client.ts';
import type { Handler } from './server.ts';

export interface Host extends AsyncDisposable {
  readonly port: number;
  /** What the host's own error handler was told. */
  readonly failures: unknown[];
  send(sent?: Sent): ReturnType<typeof send>;
}

type Start = (
  handler: Handler,
  failures: unknown[],
) => Promise<{ server: Server; close?: () => Promise<unknown> }>;

/** What stands in front of the handler: no body parser, or one for each kind of body, as each host has it. */
export type Parser = 'none' | 'json' | 'form' | 'text' | 'raw' | 'json that keeps the bytes';

type Parsers = Readonly<Partial<Record<Parser, Start>>>;

/** The servers that people put such a handler into, each with the parsers that are usual there. */
export const HOSTS: Readonly<Record<string, Parsers>> = {
  'node:http': { none: async (handler) => ({ server: createServer(toNodeHandler(handler)) }) },
  'Express 5': ofExpress(express),
  'Express 4': ofExpress(express4),
  Nest: {
    none: ofNest({ bodyParser: false }),
    json: ofNest({}),
    form: ofNest({}),
    'json that keeps the bytes': ofNest({ rawBody: true }),
  },
  Fastify: {
    none: ofFastify((app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    }),
    json: ofFastify(() => {}),
    text: ofFastify((app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    }),
    raw: ofFastify((app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    }),
    form: ofFastify((app) => {
      const type = 'application/x-www-form-urlencoded';
      app.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, done) =>
        done(null, parse(body as string)),
      );
    }),
  },
  Koa: {
    none: ofKoa(),
    'json that keeps the bytes': ofKoa(bodyParser()),
    json: ofKoa(bodyParser(), withoutRawBody),
    form: ofKoa(bodyParser(), withoutRawBody),
    text: ofKoa(bodyParser({ enableTypes: ['text'] }), withoutRawBody),
  },
};

function ofExpress(make: typeof express): Parsers {
  const keep = (request: IncomingMessage, _response: ServerResponse, bytes: Buffer) =>
    Object.assign(request, { rawBody: bytes });
  const start =
    (...parsers: express.RequestHandler[]): Start =>
    async (handler, failures) => {
      const app = make();
      for (const parser of parsers) app.use(parser);
      app.post('/payments', toNodeHandler(handler));
      app.use('/mounted', toNodeHandler(handler));
      app.use(((error, _request, response, _next) => {
        failures.push(error);
        response.status(500).send('the host was told');
      }) satisfies express.ErrorRequestHandler);
      return { server: createServer(app) };
    };
  return {
    none: start(),
    json: start(make.json()),
    form: start(make.urlencoded({ extended: false })),
    text: start(make.text({ type: '*/*' })),
    raw: start(make.raw({ type: '*/*' })),
    'json that keeps the bytes': start(make.json({ verify: keep })),
  };
}

function ofNest(options: { bodyParser?: boolean; rawBody?: boolean }): Start {
  return async (handler, failures) => {
    const handle = toNodeHandler(handler);
    class Payments {
      pay(request: IncomingMessage, response: ServerResponse) {
        handle(request, response, (error) => {
          failures.push(error);
          response.writeHead(500).end('the host was told');
        });
      }
    }
    // What `@Controller()`, `@Post('payments')`, `@Req()` and `@Res()` are short for.
    const pay = Object.getOwnPropertyDescriptor(Payments.prototype, 'pay') as PropertyDescriptor;
    Controller()(Payments);
    Post('payments')(Payments.prototype, 'pay', pay);
    Req()(Payments.prototype, 'pay', 0);
    Res()(Payments.prototype, 'pay', 1);
    class App {}
    Module({ controllers: [Payments] })(App);
    const app = await NestFactory.create(App, { logger: false, ...options });
    await app.init();
    return { server: app.getHttpServer() as Server, close: () => app.close() };
  };
}

function ofFastify(parsers: (app: FastifyInstance) => void): Start {
  return async (handler, failures) => {
    const app = fastify();
    parsers(app);
    app.post('/payments', toFastifyHandler(handler));
    app.setErrorHandler((error, _request, reply) => {
      failures.push(error);
      return reply.code(500).send('the host was told');
    });
    await app.ready();
    return { server: app.server, close: () => app.close() };
  };
}

function ofKoa(...parsers: Koa.Middleware[]): Start {
  return async (handler, failures) => {
    const app = new Koa();
    app.use(async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        failures.push(error);
        ctx.status = 500;
        ctx.body = 'the host was told';
      }
    });
    for (const parser of parsers) app.use(parser);
    app.use(toKoaHandler(handler));
    return { server: createServer(app.callback()) };
  };
}

/** Koa's parser keeps the text too, and others do not. */
function withoutRawBody(ctx: Koa.Context, next: Koa.Next): Promise<unknown> {
  Reflect.deleteProperty(ctx.request, 'rawBody');
  return next();
}

export async function startHost(start: Start, handler: Handler): Promise<Host> {
  const failures: unknown[] = [];
  const { server, close } = await start(handler, failures);
  const { port, ...listening } = await listen(server);
  return {
    port,
    failures,
    send: (sent) => send(port, sent ?? {}),
    async [Symbol.asyncDispose]() {
      if (close) server.closeAllConnections();
      await (close?.() ?? listening[Symbol.asyncDispose]());
    },
  };
}
