import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactBody } from '../../server/bodies/redaction.ts';
import { hiddenNames, REDACTED, withoutNames } from '../../server/formats/redact.ts';

const isHidden = hiddenNames(['secret', 'Api-Token']);
const SECRET = 'sk_live_1';

describe('hidden names', () => {
  test.each<[string, unknown, unknown]>([
    ['in an object', { id: 1, secret: SECRET }, { id: 1, secret: REDACTED }],
    ['in any case', { SECRET, 'api-token': SECRET }, { SECRET: REDACTED, 'api-token': REDACTED }],
    ['at any depth', { a: [{ b: { secret: SECRET } }] }, { a: [{ b: { secret: REDACTED } }] }],
    ['with a content that is no text', { secret: { of: [SECRET] } }, { secret: REDACTED }],
    [
      'false and 0 are contents, too',
      { secret: 0, a: { secret: false } },
      { secret: REDACTED, a: { secret: REDACTED } },
    ],
    ['as a pair, as headers are', [['Api-Token', SECRET]], [['Api-Token', REDACTED]]],
    ['in a Map', new Map([['secret', SECRET]]), new Map([['secret', REDACTED]])],
    ['in a Set', new Set([{ secret: SECRET }]), new Set([{ secret: REDACTED }])],
    [
      'beside names that every object has',
      JSON.parse(`{"__proto__":{"secret":"${SECRET}"},"constructor":1}`),
      JSON.parse(`{"__proto__":{"secret":"${REDACTED}"},"constructor":1}`),
    ],
  ])('%s', (_, value, wanted) => {
    expect(withoutNames(value, isHidden)).toEqual(wanted);
  });

  test('without a content, or not there: it is the value itself', () => {
    const values = [
      { secret: null },
      { secrets: SECRET },
      [],
      ['secret'],
      'secret',
      null,
      5,
      new Date(0),
      { secret: undefined },
    ];
    for (const value of values) expect(withoutNames(value, isHidden)).toBe(value);
  });

  test('an instance keeps its class, and what has no hidden names stays as it is', () => {
    class Key {
      secret = SECRET;
    }
    const made = new Date(0);
    const copy = withoutNames({ key: new Key(), made }, isHidden);
    expect(copy.key).toBeInstanceOf(Key);
    expect(copy.key.secret).toBe(REDACTED);
    expect(copy.made).toBe(made);
  });

  test('the original is not changed, and circles end', () => {
    const value: Record<string, unknown> = { secret: SECRET };
    value.self = value;
    const copy = withoutNames(value, isHidden);
    expect(copy.self).toBe(copy);
    expect(copy.secret).toBe(REDACTED);
    expect(value.secret).toBe(SECRET);
  });

  test('of no JSON is a secret left, and nothing else is gone', () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(1, null, 'text', true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('value')),
        fc.tuple(tie('value'), fc.constantFrom('secret', 'SECRET')).map(([value, name]) => ({
          a: value,
          [name]: { of: SECRET },
        })),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const shown = JSON.stringify(withoutNames(value, isHidden));
        expect(shown).not.toContain(SECRET);
        const wanted = JSON.stringify(value).replaceAll(
          JSON.stringify({ of: SECRET }),
          JSON.stringify(REDACTED),
        );
        expect(shown).toBe(wanted);
      }),
    );
  });
});

describe('a body', () => {
  test('in which nothing is hidden is stored to the byte', async () => {
    const text = '{ "2": 1, "1": 1e3 }';
    expect(await redactBody(text, ['secret'], 'response')).toEqual({ text, changed: false });
    expect(await redactBody(text, async (body) => body, 'response')).toEqual({ text, changed: false });
    expect(await redactBody(text, null, 'response')).toEqual({ text, changed: false });
  });

  test('that can not be looked into is not stored', async () => {
    expect(await redactBody('secret=1', ['secret'], 'request')).toEqual({ text: undefined, changed: true });
  });

  test('is given to a function, with what it is; it may change it in place, or let it go, at once or later', async () => {
    const seen: unknown[] = [];
    const mask = (body: unknown, where: string) => {
      seen.push(where);
      (body as { card: string }).card = (body as { card: string }).card.slice(-4);
      return body;
    };
    expect(await redactBody('{"card":"4242424242424242"}', mask, 'request')).toEqual({
      text: '{"card":"4242"}',
      changed: true,
    });
    expect(seen).toEqual(['request']);
    expect(await redactBody('{}', () => undefined, 'response')).toEqual({ text: undefined, changed: true });
    expect(await redactBody('{"a":1}', async () => ({}), 'response')).toEqual({ text: '{}', changed: true });
  });
});
