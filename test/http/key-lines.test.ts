import { describe, expect, test } from 'vitest';
import { currentRun } from '../../server/index.ts';
import { KEY_LINES, sendRaw } from '../support/raw-request.ts';
import { startApi } from './api.ts';

describe('the lines of the key header', () => {
  test.each(KEY_LINES)('%s', async (_, lines, key) => {
    await using api = await startApi(async () => new Response(`key=<${currentRun()?.key}>`));
    const request = { port: api.port, path: '/payments', headers: ['X-User: ada', ...lines], body: '{}' };
    const answer = await sendRaw(request);
    if (key === undefined) {
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('"code":"IDEMPOTENCY_KEY_INVALID"');
      expect([api.runs, api.claims]).toEqual([0, 0]);
      return;
    }
    expect(answer.text).toContain(`key=<${key}>`);
    expect((await sendRaw(request)).text).toMatch(/idempotent-replayed: true/i);
    expect(api.runs).toBe(1);
  });
});
