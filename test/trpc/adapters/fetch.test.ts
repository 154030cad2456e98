import { createServer } from 'node:http';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { incomingMessageToRequest } from '@trpc/server/adapters/node-http';
import { idempotencyResponseMeta as responseMeta } from '../../../plugin/trpc/index.ts';
import { adapterContract, contextOf as createContext, MOUNT } from './adapter-contract.ts';

adapterContract('the fetch adapter', (router) =>
  createServer(async (incoming, outgoing) => {
    const req = incomingMessageToRequest(incoming, outgoing, { maxBodySize: null });
    const response = await fetchRequestHandler({ endpoint: MOUNT, req, router, createContext, responseMeta });
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(await response.text());
  }),
);
