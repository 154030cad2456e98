/** The headers of the HTTP request behind a call, as far as its context shows them. */
export interface HostHeaders {
  /** Repeated headers are joined by commas, as HTTP has it. */
  get(name: string): string | undefined;
  /** How many calls the request holds; 1 when the context does not say. */
  readonly batchSize: number;
  /** Whether they came with a WebSocket's upgrade rather than with a call. */
  readonly isHandshake: boolean;
}

/**
 * A middleware does not see the request, only what `createContext` made of it. By convention that is `ctx.req` (a
 * `Request`, an `IncomingMessage`, or what Express, Fastify and Next make of one), or only its `ctx.headers`.
 */
export function headersOn(ctx: unknown): HostHeaders | undefined {
  if (!isObject(ctx)) return undefined;
  const req = isObject(ctx.req) ? ctx.req : {};
  const headers = [req.headers, ctx.headers].find(isObject);
  if (!headers) return undefined;
  const get = (name: string) => read(headers, name);
  return {
    get,
    batchSize: sizeByInfo(ctx.info) ?? sizeByUrl(req.url) ?? 1,
    isHandshake: req.method === 'GET' && get('upgrade')?.toLowerCase() === 'websocket',
  };
}

function read(headers: Record<string, unknown>, name: string): string | undefined {
  if (typeof headers.get === 'function') return text(headers.get(name));
  const wanted = name.toLowerCase();
  const found = Object.keys(headers).find((header) => header.toLowerCase() === wanted);
  return found === undefined ? undefined : text(headers[found]);
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** `info` as `createContext` gets it, for hosts that pass it on. */
function sizeByInfo(info: unknown): number | undefined {
  return isObject(info) && Array.isArray(info.calls) ? info.calls.length : undefined;
}

/** tRPC over HTTP: a batch has `?batch=1`, and the paths of its calls are joined by commas. */
function sizeByUrl(url: unknown): number | undefined {
  if (typeof url !== 'string') return undefined;
  const [path = '', query = ''] = url.split('?', 2);
  if (new URLSearchParams(query).get('batch') !== '1') return 1;
  return path.split(/,|%2c/i).length;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
