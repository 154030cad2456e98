import { expect } from './expect.ts';
import { doubted, type Ground } from './ground.ts';
import { completed } from './requests.ts';

export function addresses(ground: Ground): void {
  const { describe, it, fresh, rival, win, read } = ground;

  describe('addresses and texts', () => {
    const texts = [
      '$$NOW',
      '$$ROOT',
      '$fingerprint',
      '$owner',
      'a.b',
      '.',
      '__proto__',
      'constructor',
      '{"$gt":""}',
      ' ',
      '00123',
      'a/b?c#d%2F',
      '😀\u202E',
      'x'.repeat(255),
    ];

    it.each(texts)('%s is a text like any other', async (text) => {
      const request = fresh({ scope: text, key: text, operation: text, selections: [text] });
      const held = await win(request);
      expect(await read(request)).toMatchObject({
        scope: text,
        key: text,
        operation: text,
        selection: text,
      });
      await ground.store.settle(held, { ...doubted, reason: text });
      await ground.store.settle(held, { ...completed, response: { format: text, body: text, bytes: 1 } });
      expect(await read(request)).toMatchObject({
        state: 'completed',
        response: { format: text, body: text },
        history: [{ reason: text }, { event: 'completed_late' }],
      });
    });

    it('an owner and fingerprints that look like expressions are compared as texts', async () => {
      const request = fresh({ owner: '$owner', fingerprints: ['$fingerprint'] });
      await win(request);
      expect(await win(request)).toMatchObject({ owner: '$owner' });
      expect(await ground.store.claim(rival(request, { owner: '$$owner' }))).toMatchObject({ won: false });
    });

    it.each([
      [
        ['s', 'AbC'],
        ['s', 'abc'],
      ],
      [
        ['S', 'k'],
        ['s', 'k'],
      ],
      [
        ['s', 'é'],
        ['s', 'e\u0301'],
      ],
      [
        ['s', 'a'],
        ['s', 'a '],
      ],
      [
        ['a:b', 'c'],
        ['a', 'b:c'],
      ],
      [
        ['a', 'bc'],
        ['ab', 'c'],
      ],
      [
        ['x', 'same'],
        ['y', 'same'],
      ],
    ])('%j and %j are two keys', async (one, other) => {
      const unique = fresh().key;
      const address = ([scope, key]: string[]) => ({ scope: `${scope}`, key: `${key}-${unique}` });
      const first = fresh(address(one));
      const second = fresh(address(other));
      await win(first);
      await win(second);
      const [held] = await Promise.all([ground.store.claim(first), ground.store.claim(second)]);
      if (held.won) await ground.store.settle(held.held, completed);
      expect(await read(first)).toMatchObject({ state: 'completed', ...address(one) });
      expect(await read(second)).toMatchObject({ state: 'running', ...address(other) });
    });
  });
}
