import { createHash, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { askProbe } from '../../server/admin/commands/ask-probe.ts';
import type { Probe, ProbedRecord } from '../../server/admin/index.ts';
import { type Admin, act, ago, read, recordOf, startAdmin } from './support.ts';

const FOUND = {
  found: true,
  summary: 'Charge ch_1 of 5,000 EUR, succeeded',
  data: { pay: 41 },
  link: 'https://provider.example/ch_1',
} as const;

const asked: ProbedRecord[] = [];
let admin: Admin;
beforeAll(async () => {
  const probes = {
    pay: async (record: ProbedRecord) => {
      asked.push(record);
      return FOUND;
    },
    ship: () => {
      throw new Error('401 of the provider');
    },
    erased: () => ({ found: false, summary: 'The provider has no such charge' }),
  };
  admin = await startAdmin({ probes });
  // Says in which form the operation is answered.
  await admin.put({ scope: 'other' });
  return () => admin[Symbol.asyncDispose]();
});

const inDoubt = (fields = {}) => admin.put({ state: 'in_doubt', ...fields });
const evidenceOf = (id: string, client = admin.olga) => client.keys.evidence.query({ id });

describe('evidence', () => {
  it('is what the probe of the operation says, asked with what the run sent to other services', async () => {
    const key = randomUUID();
    const startedAt = ago(90_000);
    const history = [{ event: 'in_doubt', at: ago(1_000), fence: 1, owner: 'o', reason: 'no answer' }];
    const steps = [{ name: 'reserve', at: ago(80_000), value: { format: 'json/1', body: '1', bytes: 1 } }];
    const id = await inDoubt({ key, startedAt, history, steps });
    expect((await read(admin, id)).hasProbe).toBe(true);
    const evidence = await evidenceOf(id);
    expect(evidence).toEqual({
      id: expect.any(String),
      source: 'pay',
      at: expect.any(Number),
      tookMs: expect.any(Number),
      found: 'yes',
      summary: FOUND.summary,
      data: '{"pay":41}',
      link: FOUND.link,
    });
    const record = asked.at(-1) as ProbedRecord;
    expect(record).toMatchObject({
      recordId: id,
      scope: 'acme',
      key,
      operation: 'pay',
      state: 'in_doubt',
      attempt: 1,
      startedAt,
      reason: 'no answer',
      finishedSteps: ['reserve'],
    });
    const life = recordOf().life;
    const sent = createHash('sha256')
      .update(JSON.stringify(['acme', key, life, 'charge']))
      .digest('hex');
    expect(record.downstreamKey('charge')).toBe(sent);
  });

  it('changes nothing, and is not in the audit', async () => {
    const id = await inDoubt();
    const before = await admin.find(id);
    await evidenceOf(id);
    expect(await admin.find(id)).toEqual(before);
    expect((await admin.ada.audit.list.query({ keyId: id })).entries).toEqual([]);
  });

  it('of a probe that fails leaves the doubt, and says so', async () => {
    const id = await inDoubt({ operation: 'ship' });
    expect(await evidenceOf(id)).toMatchObject({
      found: 'unknown',
      summary: 'The probe failed: 401 of the provider',
      data: null,
    });
    expect((await admin.find(id))?.state).toBe('in_doubt');
  });

  it('is not for viewers, other scopes, another life, or an operation without a probe', async () => {
    const id = await inDoubt();
    await expect(evidenceOf(id, admin.vic)).rejects.toThrow('This needs the role operator');
    expect((await admin.vic.keys.get.query({ id })).hasProbe).toBe(false);
    const foreign = await inDoubt({ scope: 'shop' });
    await expect(evidenceOf(foreign, admin.scott)).rejects.toThrow('There is no such key');
    const other = admin.olga.keys.evidence.query({ id, life: '1' });
    await expect(other).rejects.toThrow('This key began a new life');
    const bare = await inDoubt({ operation: 'refund' });
    expect((await read(admin, bare)).hasProbe).toBe(false);
    await expect(evidenceOf(bare)).rejects.toThrow('There is no probe for refund (option `probes`)');
  });
});

describe('an action upon evidence', () => {
  it('takes its data as the response, and the audit keeps what was found', async () => {
    const id = await inDoubt();
    const evidence = await evidenceOf(id);
    const command = { evidence: evidence.id };
    const done = await act(admin.olga, await read(admin, id), 'complete', command);
    expect(done).toMatchObject({ done: true, detail: { state: 'completed', outcome: 'success' } });
    expect((await admin.find(id))?.response.body).toContain('"pay":41');
    const { entries } = await admin.ada.audit.list.query({ keyId: id });
    const { source, at, found, summary, link } = evidence;
    expect(entries).toMatchObject([
      { action: 'complete', result: 'done', evidence: { source, at, found, summary, link } },
    ]);
  });

  it('may have another response, or be another action', async () => {
    const edited = await inDoubt();
    const one = { evidence: (await evidenceOf(edited)).id, response: '{"pay":7}' };
    await act(admin.olga, await read(admin, edited), 'complete', one);
    expect((await admin.find(edited))?.response.body).toContain('"pay":7');
    const retried = await inDoubt({ operation: 'erased' });
    const two = { evidence: (await evidenceOf(retried)).id };
    await act(admin.olga, await read(admin, retried), 'allow_retry', two);
    const { entries } = await admin.ada.audit.list.query({ keyId: retried });
    expect(entries).toMatchObject([{ action: 'allow_retry', evidence: { found: 'no' } }]);
  });

  it('is refused with evidence of another key, of another operator, or that is too old', async () => {
    const [id, other] = [await inDoubt(), await inDoubt()];
    const jobs = admin.db.collection('idempotency_keys_jobs');
    const old = (await evidenceOf(id)).id;
    await jobs.updateOne({ _id: old as never }, { $set: { expiresAt: ago(1) } });
    const refused = [(await evidenceOf(other)).id, (await evidenceOf(id, admin.ada)).id, old, randomUUID()];
    const detail = await read(admin, id);
    for (const evidence of refused) {
      await expect(act(admin.olga, detail, 'complete', { evidence })).rejects.toThrow(
        'This evidence is not of this key, or older than an hour: ask the probe again',
      );
    }
    expect((await admin.find(id))?.state).toBe('in_doubt');
  });
});

describe('a probe that answers unusably leaves the doubt:', () => {
  const record = { downstreamKey: () => 'k' } as unknown as ProbedRecord;
  it.each<{ answer: unknown; says: string }>([
    { answer: undefined, says: 'Expected the probe to answer with an object, got undefined' },
    {
      answer: { summary: 'x' },
      says: "Expected the probe's `found` to be true, false or null, got undefined",
    },
    {
      answer: { found: 'yes', summary: 'x' },
      says: 'Expected the probe\'s `found` to be true, false or null, got "yes"',
    },
    {
      answer: { found: true, summary: ' ' },
      says: 'Expected the probe\'s `summary` to be a sentence, got " "',
    },
    {
      answer: { found: true, summary: 'x', link: 'javascript:alert(1)' },
      says: "Expected the probe's `link` to be an address",
    },
    {
      answer: { found: true, summary: 'x', data: 1n },
      says: 'The probe failed: Do not know how to serialize a BigInt',
    },
    {
      answer: { found: true, summary: 'x', data: () => 1 },
      says: "Expected the probe's `data` to be JSON of at most 1 MB",
    },
    {
      answer: { found: true, summary: 'x', data: 'x'.repeat(1_048_576) },
      says: "Expected the probe's `data` to be JSON",
    },
  ])('$says', async ({ answer, says }) => {
    const evidence = await askProbe((() => answer) as Probe, record);
    expect(evidence).toMatchObject({ found: 'unknown', data: null, link: null });
    expect(evidence.summary).toContain(says);
  });

  it('one that knows that nobody knows', async () => {
    const probe = () => ({ found: null, summary: 'The charge is pending' });
    expect(await askProbe(probe, record)).toMatchObject({
      found: 'unknown',
      summary: 'The charge is pending',
    });
  });

  it('one that takes longer than 10 seconds, whose signal aborts', async () => {
    vi.useFakeTimers();
    try {
      let signal: AbortSignal | undefined;
      const probe: Probe = (of) => {
        ({ signal } = of);
        return new Promise(() => {});
      };
      const evidence = askProbe(probe, record);
      await vi.advanceTimersByTimeAsync(9_999);
      expect(signal?.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(await evidence).toMatchObject({
        found: 'unknown',
        summary: 'The probe did not answer within 10 seconds.',
      });
      expect(signal?.aborted).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});
