import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { createSchema, createYoga } from 'graphql-yoga';
import { Hono } from 'hono';
import { describe } from 'vitest';
import { toNodeHandler } from '../../../server/admin/index.ts';
import { hostContract, hostOf } from './host-contract.ts';

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('node:http', () => {
  hostContract(async (dashboard) => hostOf(await listening(createServer(toNodeHandler(dashboard)))));
});

describe('Express 5, after express.json()', () => {
  hostContract(async (dashboard, basePath) => {
    const app = express().use(express.json()).use(basePath, toNodeHandler(dashboard));
    return hostOf(await listening(createServer(app)));
  });
});

describe('Fastify 5, which parses bodies', () => {
  hostContract(async (dashboard, basePath) => {
    const app = fastify();
    const handle = toNodeHandler(dashboard);
    const path = basePath === '/' ? '' : basePath;
    for (const url of path ? [path, `${path}/*`] : ['/*']) {
      app.all(url, (request, reply) => {
        reply.hijack();
        handle(Object.assign(request.raw, { body: request.body }), reply.raw);
      });
    }
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { ...hostOf(app.server), close: () => app.close() };
  });
});

describe('Hono', () => {
  hostContract(async (dashboard, basePath) => {
    const app = new Hono();
    const path = basePath === '/' ? '' : basePath;
    for (const url of path ? [path, `${path}/*`] : ['/*'])
      app.all(url, (context) => dashboard(context.req.raw));
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    if (!server.listening) await once(server, 'listening');
    return hostOf(server);
  });
});

describe('next to a Yoga server', () => {
  hostContract(async (dashboard, basePath) => {
    const yoga = createYoga({
      logging: false,
      schema: createSchema({ typeDefs: 'type Query { ok: Boolean }' }),
    });
    const handle = toNodeHandler(dashboard);
    const server = createServer((request, response) => {
      const isOurs = request.url?.startsWith(basePath) && !request.url.startsWith('/graphql');
      return isOurs ? handle(request, response) : yoga(request, response);
    });
    return hostOf(await listening(server));
  });
});
