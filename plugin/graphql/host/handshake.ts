import { requestHeaders } from '../../../server/http/request-headers.ts';

/**
 * Tells whether an HTTP request opened a WebSocket: by GET with an upgrade, or by CONNECT in HTTP/2 (RFC 8441). Its headers
 * belong to none of the operations on that socket.
 */
export function isHandshake(request: { readonly method?: unknown; readonly headers?: unknown }): boolean {
  if (request.method === 'CONNECT') return true;
  if (request.method !== 'GET') return false;
  const upgrade = requestHeaders(request.headers, 'context.request.headers')?.get('upgrade');
  return upgrade?.toLowerCase() === 'websocket';
}
