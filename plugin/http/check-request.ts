import { isObject } from '../../server/engine/option-checks.ts';
import { whatCame } from '../../server/engine/what-came.ts';

/** Checks what the wrapped handler is called with. @throws TypeError with the code to write, for what another host calls it with */
export function checkRequest(request: unknown): void {
  if (isRequest(request)) return;
  throw new TypeError(
    `Expected a handler of idempotent(...) to be called with a Request, got ${whatCame(request)}${fixFor(request)}`,
  );
}

/** Tells whether a value is a `Request`, of this or of another implementation. */
function isRequest(value: unknown): boolean {
  if (!isObject(value) || typeof value.method !== 'string' || typeof value.url !== 'string') return false;
  return (
    isObject(value.headers) &&
    typeof value.headers.get === 'function' &&
    typeof value.arrayBuffer === 'function'
  );
}

function fixFor(value: unknown): string {
  if (!isObject(value)) return '';
  const handler = 'idempotent(handler)';
  if (isObject(value.req) && isRequest(value.req.raw))
    return '; for Hono write `(c) => handler(c.req.raw, c)`, with the handler that idempotent(...) returned';
  if (isObject(value.req) && isObject(value.res)) return `; for Koa write \`toKoaHandler(${handler})\``;
  if (isRequest(value.request))
    return '; write `({ request }) => handler(request)`, with the handler that idempotent(...) returned';
  if (isObject(value.raw)) return `; for Fastify write \`toFastifyHandler(${handler})\``;
  if (Array.isArray(value.rawHeaders))
    return `; for node:http, Express and Nest write \`toNodeHandler(${handler})\``;
  return '';
}
