import { describe, expect, expectTypeOf, test } from 'vitest';
import { createIdempotencyHandler, DEFAULT_STORED_HEADERS } from '../../plugin/http/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

const idempotency = createIdempotency({ store: createMemoryStore() });
const options = { idempotency, scope: () => 'global' };
const handler = async () => new Response();

describe('options', () => {
  test.each<[object, string]>([
    [
      { idempotency: undefined },
      'Expected `idempotency` to be what createIdempotency(...) returns, or a function that gives it for a call, got undefined',
    ],
    [
      { idempotency: {} },
      'Expected `idempotency` to be what createIdempotency(...) returns, or a function that gives it for a call, got an object',
    ],
    [
      { scope: undefined },
      'Expected `scope` to be a function, such as `({ request }) => userOf(request)?.id`, got undefined',
    ],
    [
      { scope: 'global' },
      'Expected `scope` to be a function, such as `({ request }) => userOf(request)?.id`, got "global"',
    ],
    [{ methods: 'POST' }, 'Expected `methods` to be an array of HTTP methods, got "POST"'],
    [{ methods: ['PO ST'] }, 'Expected `methods` to be an array of HTTP methods, got ["PO ST"]'],
    [{ require: 1 }, 'Expected `require` to be a boolean or a function, got 1'],
    [{ headers: 'etag' }, 'Expected `headers` to be an array of names of HTTP headers, got "etag"'],
    [{ headers: ['a b'] }, 'Expected `headers` to be an array of names of HTTP headers, got ["a b"]'],
    [{ headers: ['Set-Cookie'] }, 'Expected `headers` not to hold Set-Cookie, which is never stored'],
    [{ headers: ['connection'] }, 'Expected `headers` not to hold connection, which is never stored'],
    [{ headers: ['Date'] }, 'Expected `headers` not to hold Date, which is never stored'],
    [{ headers: ['Content-Length'] }, 'Expected `headers` not to hold Content-Length, which is never stored'],
    [{ operation: '' }, 'Expected `operation` to be a string that is not empty, a function or null, got ""'],
    [{ headerName: 'a b' }, 'Expected `headerName` to be the name of an HTTP header, got "a b"'],
    [{ maxRequestBytes: -1 }, 'Expected `maxRequestBytes` to be an integer ≥ 0, got -1'],
    [{ onError: 1 }, 'Expected `onError` to be a function or null, got 1'],
    [{ authorizeReplay: true }, 'Expected `authorizeReplay` to be a function or null, got true'],
    [{ documentation: '/docs' }, 'Expected `documentation` to be an absolute URL, got "/docs"'],
    [{ policy: { leaseMs: 5 } }, 'Expected `policy.leaseMs` to be an integer from 1000 to 86400000, got 5'],
    [
      { policy: { fingerprint: 'JSON' } },
      'Expected `policy.fingerprint` to be \'json\', null, a function, or an object with either `exclude` or `versions`, got "JSON"',
    ],
    [{ captureHeaders: ['cookie'] }, 'Expected `captureHeaders` not to hold cookie, which is never captured'],
    [{ polcy: {} }, 'Unknown option `polcy` of createIdempotencyHandler(...); did you mean `policy`?'],
  ])('%j of all handlers are refused at construction', (wrong, message) => {
    expect(() => createIdempotencyHandler({ ...options, ...wrong } as never)).toThrow(message);
  });

  test.each<[object, string]>([
    [{ methods: 'POST' }, 'Expected `methods` to be an array of HTTP methods, got "POST"'],
    [{ require: 1 }, 'Expected `require` to be a boolean or a function, got 1'],
    [{ key: 'k' }, 'Expected `key` to be a function or null, got "k"'],
    [{ scope: 'ada' }, 'Expected `scope` to be a function, got "ada"'],
    [{ operation: '' }, 'Expected `operation` to be a string that is not empty, a function or null, got ""'],
    [{ authorizeReplay: true }, 'Expected `authorizeReplay` to be a function or null, got true'],
    [{ headers: ['Set-Cookie'] }, 'Expected `headers` not to hold Set-Cookie, which is never stored'],
    [{ leaseMs: 5 }, 'Expected `leaseMs` to be an integer from 1000 to 86400000, got 5'],
    [{ fingerprint: 'JSON' }, "Expected `fingerprint` to be 'json', null, a function, or an object"],
    [{ requires: true }, 'Unknown option `requires` of idempotent(...); did you mean `require`?'],
    [{ retention: 5_000 }, 'Unknown option `retention` of idempotent(...); did you mean `retentionMs`?'],
    [
      { headerName: 'X-Key' },
      'Unknown option `headerName` of idempotent(...): it is an option of createIdempotencyHandler(...), for all handlers',
    ],
    [{ policy: {} }, 'Expected `policy` to be a function, got an object'],
    [{ enabled: 'yes' }, 'Expected `enabled` to be a boolean or a function, got "yes"'],
    [
      { idempotency: {} },
      'Unknown option `idempotency` of idempotent(...): it is an option of createIdempotencyHandler(...), for all handlers',
    ],
  ])('%j of one handler are refused at construction', (wrong, message) => {
    expect(() => createIdempotencyHandler(options)(handler, wrong as never)).toThrow(message);
  });

  test('may extend the default headers', () => {
    expect(() =>
      createIdempotencyHandler({ ...options, headers: [...DEFAULT_STORED_HEADERS, 'X-Total'] }),
    ).not.toThrow();
  });
});

describe('the wrapped handler', () => {
  type Route = { params: { id: string } };
  const route = async (_request: Request, { params }: Route) => new Response(params.id);

  test('takes what the handler takes, and hands it on', async () => {
    const wrapped = createIdempotencyHandler(options)(route, {
      scope: ({ rest: [{ params }] }) => params.id,
      authorizeReplay: ({ rest: [{ params }] }) => params.id === '7' || new Response('no'),
    });
    expectTypeOf(wrapped).parameters.toEqualTypeOf<[Request, Route]>();
    expectTypeOf(wrapped).returns.toEqualTypeOf<Promise<Response>>();
    const call = () => {
      const request = new Request('http://a/b', { method: 'POST', headers: { 'idempotency-key': 'route' } });
      return wrapped(request, { params: { id: '7' } });
    };
    expect(await (await call()).text()).toBe('7');
    expect((await call()).headers.get('idempotent-replayed')).toBe('true');
  });

  test('can not promise more than a Request', () => {
    class NextRequest extends Request {
      readonly nextUrl = new URL(this.url);
    }
    // @ts-expect-error the handler of a keyed call gets a fresh Request
    createIdempotencyHandler(options)(async (request: NextRequest) => new Response(request.nextUrl.href));
  });
});
