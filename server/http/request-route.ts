/** The routes that hosts have told of requests. */
const routes = new WeakMap<Request, string>();

/** Notes the route by which a host has found the handler of a request: its pattern, such as `/payments/:id`. */
export function noteRoute(request: Request, route: string | undefined): Request {
  if (route !== undefined) routes.set(request, route);
  return request;
}

/** The route that was noted of a request. */
export const routeOf = (request: Request): string | undefined => routes.get(request);

interface Named {
  readonly method: string;
  readonly url: string;
  readonly route: string | undefined;
}

/**
 * Names a request by its method and the route of its host: `POST /payments/:id`. Where the host tells no route, it is the method alone. There
 * are as many names as there are routes, whatever clients ask for: a path with ids in it would be another name for each.
 * @param rest what the host handed over beside the request: the values of `{ params }`, as Next.js has them, are put back into names, and a
 * context of Hono knows its route
 */
export async function methodAndRoute(request: Named, rest: readonly unknown[]): Promise<string> {
  const { method, route: noted } = request;
  const route = noted ?? routeOfHono(rest[0]) ?? (await routeByParams(request, rest[0]));
  return route === undefined ? method : `${method} ${route}`;
}

/** The patterns that a context of Hono has matched are those of middlewares and of the route; the route's is rarely a wildcard. */
function routeOfHono(context: unknown): string | undefined {
  const { req } = (context ?? {}) as { readonly req?: { readonly matchedRoutes?: unknown } };
  const matched = req?.matchedRoutes;
  if (!Array.isArray(matched)) return undefined;
  const paths = matched.map(({ path }: { readonly path?: unknown }) => String(path));
  return paths.findLast((path) => !path.includes('*')) ?? paths.at(-1);
}

async function routeByParams({ url }: Named, host: unknown): Promise<string | undefined> {
  if (typeof host !== 'object' || host === null || !('params' in host)) return undefined;
  const params: unknown = await Promise.resolve(host.params).catch(() => undefined); // the handler meets the error, too
  if (typeof params !== 'object' || params === null) return undefined;
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(params)) {
    for (const segment of [value].flat()) names.set(String(segment), `:${name}`);
  }
  const segments = new URL(url).pathname.split('/');
  return segments.map((segment) => names.get(decoded(segment)) ?? segment).join('/');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
