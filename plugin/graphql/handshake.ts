/**
 * Whether an HTTP request opened a WebSocket: by GET, or by CONNECT in HTTP/2 (RFC 8441). No mutation comes with these, and
 * what the handshake carries belongs to none of the operations on that socket.
 */
export function isHandshake({ method }: { readonly method?: unknown }): boolean {
  return method === 'GET' || method === 'CONNECT';
}
