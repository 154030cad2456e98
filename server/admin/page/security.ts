/**
 * Every answer has these headers. The page runs its own scripts only, is framed by nobody, and is kept by no cache.
 */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export function secured(response: Response): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers.set(name, value);
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

/**
 * Refuses a call of the API that another site may have sent, and says what was expected; null when no other site can
 * have sent it. A form can send neither the header nor JSON, and a script of another site may not without a
 * preflight, which is not answered.
 */
export function crossSiteRefusal(request: Request): string | null {
  const { method, headers } = request;
  if (headers.get('x-latchkey') !== '1') return 'Expected the header x-latchkey: 1';
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin') return 'Expected a request of the same origin';
  if (method === 'GET') return null;
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') return 'Expected a body of type application/json';
  if (site === 'same-origin' || isOwnOrigin(request)) return null;
  return 'Expected a request of the same origin';
}

/**
 * Tells whether a request is for one of these hosts: `admin.example.com` with any port, `localhost:4640` with this
 * one. Another site's name may lead to this server, too (DNS rebinding), and its pages are then of the same origin.
 */
export function isForHost({ headers, url }: Request, allowed: readonly string[] | undefined): boolean {
  if (allowed === undefined) return true;
  const host = (headers.get('host') ?? new URL(url).host).toLowerCase();
  const name = host.replace(/:\d*$/, '');
  return allowed.some((entry) => [host, name].includes(entry.toLowerCase()));
}

/**
 * Tells whether the request comes from a page of this host. The scheme is not compared: in front of the server there
 * may be a proxy that ends TLS.
 */
function isOwnOrigin({ headers, url }: Request): boolean {
  const origin = headers.get('origin');
  if (origin === null || !URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return host === (headers.get('host') ?? new URL(url).host);
}
