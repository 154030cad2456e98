import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import { openBody } from '../../server/bodies/bodies.ts';
import { replayableBody } from '../../server/engine/body.ts';
import { FORMATS } from '../../server/formats/formats.ts';
import { graphqlFormat } from '../../server/formats/graphql.ts';
import { createIdempotency, isIdempotencyError } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { orRefusal, type Target } from './target.ts';
import { anything, damaged, text } from './texts.ts';

const MULTIPART =
  '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\ncontent-disposition: form-data; name="f"; filename="x.txt"\r\n\r\nfile\r\n--b--\r\n';
const STORED = {
  'graphql/1': '{"data":{"pay":1},"errors":[["error",{"message":"declined","path":["pay",0]}]]}',
  'trpc/1': '{"ok":false,"error":{"code":"CONFLICT","message":"declined"}}',
  'http/1': '{"status":200,"headers":[["content-type","text/plain"]],"body":"aGk=","base64":true}',
  'json/1': '{"error":{"name":"Error","message":"declined"}}',
};

const sent = fc.oneof(
  fc.tuple(fc.constant('application/json'), fc.oneof(fc.json(), damaged('{"a":[1,{"b":"c"}],"a":2}'))),
  fc.tuple(fc.constant('application/x-www-form-urlencoded'), damaged('a=1&b=%C3%A9&a=2')),
  fc.tuple(fc.constant('multipart/form-data; boundary=b'), damaged(MULTIPART)),
  fc.tuple(
    fc.constantFrom('text/plain', 'application/octet-stream', 'text/plain; charset=utf-16', 'a/b', ''),
    text,
  ),
);
const stored = fc.constantFrom(...Object.entries(STORED)).chain(([format, whole]) =>
  fc.record(
    {
      format: fc.oneof(fc.constant(format), anything),
      body: fc.oneof(damaged(whole), fc.base64String()),
      encoding: fc.constantFrom(undefined, 'deflate'),
      omitted: anything,
      cipher: fc.oneof(fc.constant(undefined), fc.record({ keyId: text, iv: text, tag: text })),
    },
    { requiredKeys: ['format', 'body'] },
  ),
);

const idempotency = createIdempotency({ store: createMemoryStore() });
let runs = 0;
const handle = createIdempotencyHandler({
  idempotency,
  scope: ({ request }) => request.headers.get('x-user'),
})(async (request) => {
  runs++;
  return new Response(`${request.headers.get('x-user')}-${runs}: ${(await request.text()).length}`);
});

async function send(key: string, user: string, [type, body]: readonly [string, string]) {
  const before = runs;
  const headers = { ...(type && { 'content-type': type }), 'idempotency-key': key, 'x-user': user };
  const response = await handle(
    new Request('http://shop/pay', { method: 'POST', headers, body: new TextEncoder().encode(body) }),
  );
  const answer = await response.text();
  assert.ok(response.status < 500, `${response.status} ${answer}`);
  return { status: response.status, answer, ran: runs > before };
}

let serial = 0;
const reached = {
  replayed: 0,
  'refused for another body': 0,
  'stored bodies opened': 0,
  'stored bodies refused': 0,
};

/** Bodies of requests and of records, in all formats: a replay for the same bytes and the same caller, a refusal for others, and no crash. */
export const bodies: Target = {
  name: 'bodies',
  reached,
  property: fc.asyncProperty(sent, sent, stored, anything, async (one, other, body, value) => {
    const key = `key-${++serial}`;
    const first = await send(key, 'alice', one);
    if (first.ran) {
      assert.deepEqual(await send(key, 'alice', one), { ...first, ran: false });
      reached.replayed++;
      assert.ok(!(await send(key, 'bob', one)).answer.includes('alice'));
      const changed = await send(key, 'alice', other);
      if (changed.status === 422) reached['refused for another body']++;
      const isOther =
        one[0] === 'text/plain' &&
        other[0] === 'text/plain' &&
        one[1].toWellFormed() !== other[1].toWellFormed();
      assert.ok(!changed.ran && !(isOther && changed.status === 200), 'another body was answered');
    }
    for (const format of FORMATS) {
      format.errorsIn(value);
      orRefusal(
        () => format.givenSuccess(body.body),
        (error) => error instanceof TypeError,
      );
      format.givenFailure(body.body);
    }
    graphqlFormat.queryIn(body.body);
    const bytes = Buffer.byteLength(body.body);
    const readable = orRefusal(
      () => replayableBody({ ...body, bytes }, String(body.format)),
      isIdempotencyError,
    );
    orRefusal(() => replayableBody(value, 'graphql/1'), isIdempotencyError);
    if (!readable) {
      reached['stored bodies refused']++;
      return;
    }
    const place = { scope: 's', key: 'k', format: readable.format, part: 'response', life: 1 } as const;
    try {
      await openBody(readable, place, null);
      reached['stored bodies opened']++;
    } catch (error) {
      if (!isIdempotencyError(error)) throw error;
    }
  }),
};
