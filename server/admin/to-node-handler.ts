import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServerAdapter } from '@whatwg-node/server';

/**
 * A listener for node:http and Express. A body that was parsed already (`express.json()`) is taken from `request.body`.
 * @example express().use('/admin/keys', toNodeHandler(dashboard))
 */
export function toNodeHandler(
  dashboard: (request: Request) => Promise<Response>,
): (request: IncomingMessage, response: ServerResponse) => void {
  const adapter = createServerAdapter(dashboard);
  return (request, response) => void adapter(request, response);
}
