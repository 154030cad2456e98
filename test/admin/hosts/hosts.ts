import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { createSchema, createYoga } from 'graphql-yoga';
import { Hono } from 'hono';
import { toNodeHandler } from '../../../server/admin/index.ts';

export interface Host {
  readonly origin: string;
  close(): Promise<void>;
}

export type Start = (dashboard: (request: Request) => Promise<Response>, basePath: string) => Promise<Host>;

/** A dashboard mounted in each server as the docs say. */
export const HOSTS: Readonly<Record<string, Start>> = {
  'node:http': async (dashboard) => hostOf(await listening(createServer(toNodeHandler(dashboard)))),

  async 'Express 5, after express.json()'(dashboard, basePath) {
    const app = express().use(express.json()).use(basePath, toNodeHandler(dashboard));
    return hostOf(await listening(createServer(app)));
  },

  async 'Fastify 5, which parses bodies'(dashboard, basePath) {
    const app = fastify();
    const handle = toNodeHandler(dashboard);
    for (const url of routesOf(basePath)) {
      app.all(url, (request, reply) => {
        reply.hijack();
        handle(Object.assign(request.raw, { body: request.body }), reply.raw);
      });
    }
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { ...hostOf(app.server), close: () => app.close() };
  },

  async Hono(dashboard, basePath) {
    const app = new Hono();
    for (const url of routesOf(basePath)) app.all(url, (context) => dashboard(context.req.raw));
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    if (!server.listening) await once(server, 'listening');
    return hostOf(server);
  },

  async 'next to a Yoga server'(dashboard, basePath) {
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
  },
};

const routesOf = (basePath: string) => (basePath === '/' ? ['/*'] : [basePath, `${basePath}/*`]);

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Of a server that listens, on whatever port. */
function hostOf(server: Server): Host {
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
