import { randomBytes, timingSafeEqual } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Operator, Role } from '../admin/contract.ts';

/**
 * Who may use a dashboard that was started from a terminal: the browser that opened the link which was printed there, once.
 * The session lives in this process only.
 */
export class LocalSession {
  readonly link: string;
  readonly #host: string;
  readonly #cookieName: string;
  readonly #operator: Operator;
  readonly #session = randomBytes(32).toString('base64url');
  #token: string | undefined = randomBytes(32).toString('base64url');

  constructor(port: number, role: Role) {
    this.#host = `127.0.0.1:${port}`;
    // Cookies know no ports: another dashboard on this machine has one of its own.
    this.#cookieName = `latchkey_${port}`;
    this.#operator = { id: userInfo().username, role };
    this.link = `http://${this.#host}/login?token=${this.#token}`;
  }

  /** Undefined when the request is one for the dashboard itself. */
  answer(request: Request): Response | undefined {
    // Another site's name may lead to this address (DNS rebinding): its pages are then of the same origin.
    if (request.headers.get('host') !== this.#host) return refused(`Open http://${this.#host}/`, 421);
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/login') return undefined;
    if (request.method !== 'GET') return refused('Expected GET', 405);
    if (!this.#token || !isEqual(searchParams.get('token'), this.#token))
      return refused(
        'This link has been used, or is not right. Start the dashboard again for a new one.',
        403,
      );
    this.#token = undefined;
    const cookie = `${this.#cookieName}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
    return new Response(null, {
      status: 303,
      headers: {
        location: '/',
        'set-cookie': cookie,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
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

function isEqual(given: string | null | undefined, wanted: string): boolean {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function refused(message: string, status: number): Response {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  return new Response(`${message}\n`, { status, headers });
}
