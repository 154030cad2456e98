import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkKey, checkScope, parseKeyHeader } from '../../server/engine/key.ts';
import { scopeOf } from '../../server/engine/scope.ts';
import { readTraceparent } from '../../server/engine/traceparent.ts';
import { requestHeaders } from '../../server/http/request-headers.ts';
import { isIdempotencyError } from '../../server/index.ts';
import { orRefusal, type Target } from './target.ts';
import { anyText, anything, text } from './texts.ts';

const isMisuse = (error: unknown) => isIdempotencyError(error) || error instanceof TypeError;

const part = fc.oneof(text, fc.integer(), fc.bigInt());
const parts = fc.array(part, { minLength: 1, maxLength: 3 });

const reached = { 'headers taken': 0, 'headers refused': 0, 'keys taken': 0, 'scopes made': 0 };

/** Keys, headers and scopes: whatever comes, there is a key that is good, or a refusal. */
export const keys: Target = {
  name: 'keys',
  reached,
  property: fc.asyncProperty(anyText, anything, parts, parts, async (header, value, one, other) => {
    const key = orRefusal(() => parseKeyHeader(header), isIdempotencyError);
    reached[key === undefined ? 'headers refused' : 'headers taken']++;
    if (key !== undefined) {
      assert.equal(checkKey(key), key);
      // A key that fits into a structured field comes back as it was.
      if (/^[\x20-\x7e]*$/.test(key)) assert.equal(parseKeyHeader(`"${key.replace(/[\\"]/g, '\\$&')}"`), key);
    }
    const checked = orRefusal(() => checkKey(value), isIdempotencyError);
    if (checked !== undefined) {
      reached['keys taken']++;
      assert.equal(checked, value);
    }
    orRefusal(() => checkScope(value), isMisuse);
    orRefusal(() => requestHeaders(value, 'request')?.get('idempotency-key'), isMisuse);
    readTraceparent(value);
    const scopes = [one, other].map((given) => orRefusal(() => scopeOf(...given), isMisuse));
    const isSame = JSON.stringify(one.map(String)) === JSON.stringify(other.map(String));
    if (isSame || scopes.includes(undefined)) return;
    reached['scopes made']++;
    assert.notEqual(scopes[0], scopes[1]);
  }),
};
