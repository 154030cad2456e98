import { createServer, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { createSchema, createYoga } from 'graphql-yoga';
import { Hono } from 'hono';
import { toNodeHandler } from '../../../server/admin/index.ts';
import { listen } from '../../support/listen.ts';

export interface Host {
  readonly origin: string;
  close(): Promise<void>;
}

export type Start = (dashboard: (request: Request) => Promise<Response>, basePath: string) => Promise<Host>;

/** A dashboard mounted in each server as the docs say. */
export const HOSTS: Readonly<Record<string, Start>> = {
  'node:http': async (dashboard) => serve(createServer(toNodeHandler(dashboard))),

  async 'Express 5, after express.json()'(dashboard, basePath) {
    const app = express().use(express.json()).use(basePath, toNodeHandler(dashboard));
    return serve(createServer(app));
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
    return { origin: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },

  async Hono(dashboard, basePath) {
    const app = new Hono();
    for (const url of routesOf(basePath)) app.all(url, (context) => dashboard(context.req.raw));
    return serve(createAdaptorServer({ fetch: app.fetch }) as Server);
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
    return serve(server);
  },
};

const routesOf = (basePath: string) => (basePath === '/' ? ['/*'] : [basePath, `${basePath}/*`]);

async function serve(server: Server): Promise<Host> {
  const listening = await listen(server);
  return { origin: listening.url, close: listening[Symbol.asyncDispose] };
}
