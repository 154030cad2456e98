import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSecretName, REDACTED, redactedJson } from '../../server/admin/redacted-json.ts';

it('JSON without secrets is the same JSON, laid out', () => {
  const values = fc.jsonValue().filter((value) => !/secret|token|pass|pin|otp/i.test(JSON.stringify(value)));
  fc.assert(
    fc.property(values, (value) => {
      const { text, redacted } = redactedJson(JSON.stringify(value), () => false);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(redacted).toBe(false);
    }),
  );
});

it('whatever is below a secret name is gone, and nothing beside it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (hidden, shown) => {
      const text = JSON.stringify({
        before: shown,
        password: hidden,
        list: [{ api_key: hidden }],
        after: shown,
      });
      const expected = { before: shown, password: REDACTED, list: [{ api_key: REDACTED }], after: shown };
      expect(
        JSON.parse(redactedJson(text, (name) => name === 'password' || name === 'api_key').text),
      ).toEqual(JSON.parse(JSON.stringify(expected)));
    }),
  );
});

it('numbers keep all their digits, and a text that was cut half-way is shown as far as it goes', () => {
  expect(redactedJson('{"n":9007199254740993,"x":1.10}').text).toBe(
    '{\n  "n": 9007199254740993,\n  "x": 1.10\n}',
  );
  expect(redactedJson('{"token":"abc', isSecretName).text).not.toContain('abc');
  expect(redactedJson('{"token":{"a":"abc', isSecretName).text).not.toContain('abc');
  expect(redactedJson('{"note":"abc', isSecretName).text).toContain('abc');
});

it.each([
  'password',
  'newPassword',
  'secret',
  'client_secret',
  'accessToken',
  'Authorization',
  'cardNumber',
  'cvc',
  'X-Api-Key',
])('%s is a secret', (name) => {
  expect(isSecretName(name)).toBe(true);
});

it.each(['id', 'amount', 'description', 'shipping', 'opinion', 'company'])('%s is none', (name) => {
  expect(isSecretName(name)).toBe(false);
});
