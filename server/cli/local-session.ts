import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Operator, Role } from '../admin/contract/operator.ts';
import { osUser } from './session/os-user.ts';

/**
 * `LocalSession` guards a dashboard that was started from a terminal: only the browser that opened the printed link, which works
 * once, may use it. The session lives in this process only.
 */
export class LocalSession {
  readonly link: string;
  readonly #host: string;
  readonly #localhost: string;
  readonly #cookieName: string;
  readonly #operator: Operator;
  readonly #session = randomBytes(32).toString('base64url');
  #token: string | undefined = randomBytes(32).toString('base64url');

  constructor(port: number, role: Role) {
    this.#host = `127.0.0.1:${port}`;
    this.#localhost = `localhost:${port}`;
    // Cookies know no ports: another dashboard on this machine has one of its own.
    this.#cookieName = `latchkey_${port}`;
    this.#operator = { id: osUser(), role };
    this.link = `http://${this.#host}/login?token=${this.#token}`;
  }

  /** Answers a request; undefined when it is one for the dashboard itself. */
  answer(request: Request): Response | undefined {
    const { method, headers, url } = request;
    const { pathname, search, searchParams } = new URL(url);
    const host = headers.get('host');
    // Browsers take this name to nowhere else; the cookie belongs to the address.
    if (host === this.#localhost && method === 'GET')
      return moved(`http://${this.#host}${pathname}${search}`);
    // Another site's name may lead to this address (DNS rebinding): its pages are then of the same origin.
    if (host !== this.#host) return refused(`Open http://${this.#host}/`, 421);
    if (pathname !== '/login') return this.authorize(request) ? undefined : refused(SIGN_IN, 401);
    if (method !== 'GET') return refused('Expected GET', 405);
    if (!this.#token || !isEqual(searchParams.get('token'), this.#token))
      return refused(`This link has been used, or is not right. ${SIGN_IN}`, 403);
    this.#token = undefined;
    const cookie = `${this.#cookieName}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
    return new Response(WELCOME, {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'set-cookie': cookie,
        'cache-control': 'no-store',
      },
    });
  }

  readonly authorize = (request: Request): Operator | null => {
    const cookies = (request.headers.get('cookie') ?? '').split(';').map((cookie) => cookie.trim());
    const prefix = `${this.#cookieName}=`;
    const own = cookies.find((cookie) => cookie.startsWith(prefix));
    return isEqual(own?.slice(prefix.length), this.#session) ? this.#operator : null;
  };
}

const SIGN_IN =
  'Open the link that `latchkey dashboard` has printed. It opens once: start the command again for a new one.';

/**
 * A page that goes on by itself. Not a redirect: when the link was opened from another site, a browser would send no strict cookie
 * along with it.
 */
const WELCOME = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=/">
<title>Latchkey</title>
<p><a href="/">Open the dashboard</a></p>
</html>
`;

function isEqual(given: string | null | undefined, wanted: string): boolean {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

const moved = (location: string) =>
  new Response(null, { status: 307, headers: { location, 'cache-control': 'no-store' } });

function refused(message: string, status: number): Response {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  return new Response(`${message}\n`, { status, headers });
}
