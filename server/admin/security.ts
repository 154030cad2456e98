/** On every answer. The page runs its own scripts only, is framed by nobody, and is kept by no cache. */
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
  ].join('; '),
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
 * Why a call of the API may come from another site; null when it can not. A form can send neither the header nor JSON, and
 * a script of another site may not without a preflight, which is not answered.
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

/** By host: in front of the server there may be a proxy that ends TLS. */
function isOwnOrigin({ headers, url }: Request): boolean {
  const origin = headers.get('origin');
  if (origin === null || !URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return host === (headers.get('host') ?? new URL(url).host);
}
