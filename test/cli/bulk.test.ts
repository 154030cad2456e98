import { beforeAll, describe, expect, it } from 'vitest';
import { type Admin, ago, failed, REASON, startAdmin } from '../admin/support.ts';
import { type CallOptions, callCli } from '../support/call-cli.ts';

let admin: Admin;
beforeAll(async () => {
  // No dashboard takes a job of these away: each is run by its command.
  admin = await startAdmin({ readOnly: true });
  return () => admin[Symbol.asyncDispose]();
});

const why = ['--reason', REASON];
const call = (args: readonly string[], options: CallOptions = {}) =>
  callCli(['keys', 'bulk', ...args, '--db', admin.db.databaseName], options);
const jobs = () => admin.db.collection('idempotency_keys_jobs').find({ kind: 'job' }).toArray();
const entriesOf = async (filter: object) => (await admin.ada.audit.list.query(filter)).entries;
const statesIn = async (scope: string) => {
  const found = await admin.db.collection('idempotency_keys').find({ scope }).sort({ key: 1 }).toArray();
  return found.map(({ state, expiresAt }) => (expiresAt <= new Date() ? 'expired' : state));
};

/** Three that can be expired, one of them without a tick, and one that runs. */
async function tenant(scope: string): Promise<string[]> {
  const records = [{}, failed(), { state: 'released' }, { state: 'running' }];
  const ids: string[] = [];
  for (const [index, record] of records.entries())
    ids.push(await admin.put({ scope, key: `k${index}`, ...record }));
  return ids;
}
const CONFIRMED = ['--confirm', '3', '--yes-expire', '--yes-may-repeat'];

it('says which keys they are, acts on each, and prints what has become of it', async () => {
  const [first, second, third] = await tenant('left');
  const { code, out, err } = await call(['expire', '--scope', 'left', ...why, ...CONFIRMED, '--by', 'ops']);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    `${third}\tdone\tleft\tk2\t-`,
    `${second}\tdone\tleft\tk1\t-`,
    `${first}\tdone\tleft\tk0\t-`,
    '',
  ]);
  expect(err).toMatch(/^Plan: expire of 3 keys\.\n/);
  expect(err).toContain('  1 completed (success): the effect may happen twice\n');
  expect(err).toContain('  1 released\n');
  expect(err).toMatch(/\nDone: 3 of 3 keys done, 0 refused\.\n$/);
  expect(await statesIn('left')).toEqual(['expired', 'expired', 'expired', 'running']);
  const [job] = await jobs();
  const entries = await entriesOf({ jobId: job?._id });
  expect(entries.map(({ action, by }) => [action, by])).toEqual([
    ...Array.from({ length: 3 }, () => ['expire', 'ops']),
    ['bulk_start', 'ops'],
  ]);
  for (const { via } of entries) expect(via).toMatch(/^command line, as /);
});

it('a key that changes after the plan is refused, with 1, and the others are done', async () => {
  const [, , changed] = await tenant('changed');
  const answer = async () => {
    await admin.db
      .collection('idempotency_keys')
      .updateOne({ scope: 'changed', key: 'k2' }, { $inc: { fence: 1 } });
    return '3';
  };
  const args = ['expire', '--scope', 'changed', ...why, '--yes-expire', '--yes-may-repeat'];
  const { code, out, err } = await call(args, { answer });
  expect(code).toBe(1);
  expect(out.split('\n', 1)[0]).toBe(
    `${changed}\trefused\tchanged\tk2\tSomebody else has held or changed it meanwhile.`,
  );
  expect(err).toMatch(/\nDone: 2 of 3 keys done, 1 refused\.\n$/);
  expect(await statesIn('changed')).toEqual(['expired', 'expired', 'released', 'running']);
});

describe('nothing is written and nothing happens', () => {
  it('with --dry-run, which lists the keys', async () => {
    const [first, second, third] = await tenant('dry');
    const before = [await statesIn('dry'), (await jobs()).length];
    const { code, out, err } = await call(['expire', '--scope', 'dry', ...why, '--dry-run']);
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.split('\t')[0])).toEqual([third, second, first, '']);
    expect(err).toMatch(/^Plan: expire of 3 keys\.\n/);
    const json = JSON.parse((await call(['expire', '--scope', 'dry', ...why, '--dry-run', '--json'])).out);
    expect(json).toMatchObject({ dryRun: true, total: 3, confirm: 'expire', mayRepeat: 2, left: null });
    expect([await statesIn('dry'), (await jobs()).length]).toEqual(before);
  });

  it('without the number where nobody can be asked: it is refused, with the number', async () => {
    await tenant('unasked');
    const before = (await jobs()).length;
    const { code, out, err } = await call(['expire', '--scope', 'unasked', ...why, '--yes-expire']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('Refused: Confirm the number of keys (--confirm 3)\n');
    expect((await jobs()).length).toBe(before);
  });
});

describe('a job is refused with 1, and does nothing, as on the page:', () => {
  it.each([
    [
      'another number',
      ['--confirm', '4', '--yes-expire', '--yes-may-repeat'],
      'Expected the number of keys, 3, got 4',
    ],
    ['no word', ['--confirm', '3', '--yes-may-repeat'], 'Type the word expire to confirm (--yes-expire)'],
    [
      'no tick',
      ['--confirm', '3', '--yes-expire'],
      'Confirm that the effect of 2 keys may happen twice (--yes-may-repeat)',
    ],
  ])('%s', async (name, args, message) => {
    await tenant(name);
    const { code, out, err } = await call(['expire', '--scope', name, ...why, ...args]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`Refused: ${message}\n`);
    expect(await statesIn(name)).toEqual(['completed', 'completed', 'released', 'running']);
    const json = JSON.parse((await call(['expire', '--scope', name, ...why, ...args, '--json'])).out);
    expect(json).toMatchObject({ done: false, code: expect.any(String) });
  });
});

describe('somebody at the terminal', () => {
  it('types the number, the word and yes', async () => {
    await tenant('typed');
    const questions: string[] = [];
    const answer = (question: string) => {
      questions.push(question);
      return ['3', 'expire', 'yes'][questions.length - 1] as string;
    };
    expect(await call(['expire', '--scope', 'typed', ...why], { answer })).toMatchObject({ code: 0 });
    expect(questions).toEqual([
      'Type the number of keys, 3, to start: ',
      'Type the word expire: ',
      'The effect of 2 keys may happen twice. Type yes to go on: ',
    ]);
    expect(await statesIn('typed')).toEqual(['expired', 'expired', 'expired', 'running']);
  });

  it.each([[''], ['2'], ['no']])('who types something else starts nothing: %j', async (typed) => {
    const scope = `untyped ${typed}`;
    await tenant(scope);
    const answers = [typed, 'no', 'no'];
    const { code } = await call(['expire', '--scope', scope, ...why], {
      answer: () => answers.shift() ?? '',
    });
    expect(code).toBe(1);
    expect(await statesIn(scope)).toEqual(['completed', 'completed', 'released', 'running']);
  });

  it('who presses Ctrl-C cancels the job', async () => {
    const scope = 'interrupted';
    const many = 40;
    for (let count = 0; count < many; count++) await admin.put({ scope, state: 'released' });
    const args = ['expire', '--scope', scope, ...why, '--confirm', `${many}`, '--yes-expire', '--json'];
    const { code, out, err } = await call(args, { interrupt: (press) => press() });
    expect(code).toBe(1);
    const { job, items } = JSON.parse(out) as { job: { done: number }; items: { result: string }[] };
    expect(job).toMatchObject({ state: 'cancelled', total: many });
    expect(job.done).toBeLessThan(many);
    expect(items.filter(({ result }) => result === 'done')).toHaveLength(job.done);
    expect(err).toContain(`Cancelled: ${job.done} of 40 keys done, 0 refused.`);
  });
});

it('a job of somebody else that waits for a process is left to one with a dashboard', async () => {
  const collection = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
  const other = { _id: 'other', kind: 'job', state: 'running', createdAt: ago(60_000), total: 0 };
  await collection.insertOne(other);
  await tenant('own');
  expect(await call(['expire', '--scope', 'own', ...why, ...CONFIRMED])).toMatchObject({ code: 0 });
  expect(await collection.findOne({ _id: 'other' })).toEqual(other);
  await collection.deleteOne({ _id: 'other' });
});

describe('which keys:', () => {
  it('those of a list, by --ids', async () => {
    const [first, second] = await tenant('listed');
    const input = `${first}\tcompleted\tsuccess\n${second}\n\n`;
    const args = ['expire', '--ids', '-', ...why, '--confirm', '2', '--yes-expire', '--yes-may-repeat'];
    expect(await call(args, { input })).toMatchObject({ code: 0 });
    expect(await statesIn('listed')).toEqual(['expired', 'expired', 'released', 'running']);
  });

  it('fail stores its message', async () => {
    await admin.put({ scope: 'other' }); // says in which form the operation is answered
    const id = await admin.put({ scope: 'doubtful', state: 'in_doubt' });
    const args = ['fail', '--scope', 'doubtful', '--response', 'Not charged', ...why, '--confirm', '1'];
    expect(await call(args)).toMatchObject({ code: 0 });
    expect((await admin.find(id))?.response.body).toContain('Not charged');
  });

  it.each([
    ['fail without a message', ['fail', '--scope', 'x'], '', 'Expected the message that retries get'],
    [
      'ids and a filter',
      ['expire', '--ids', '-', '--scope', 'x'],
      '',
      'Expected --ids, or options that filter keys',
    ],
    ['what is no id', ['expire', '--ids', '-'], 'odd\n', 'Expected `ids[0]` to be the id of a record'],
    ['no ids', ['expire', '--ids', '-'], '', 'Expected `ids` to be a list of 1 or more'],
    ['a file that is not there', ['expire', '--ids', '/nowhere'], '', 'ENOENT'],
    [
      'an action that is for one key only',
      ['purge-body'],
      '',
      'Allowed choices are allow-retry, expire, fail',
    ],
  ])('%s is wrong use', async (_, args, input, message) => {
    for (const more of [['--dry-run'], ['--confirm', '1']]) {
      const { code, out, err } = await call([...args, ...why, ...more], { input });
      expect([code, out, err]).toEqual([2, '', expect.stringContaining(message)]);
    }
  });
});

describe('latchkey jobs', () => {
  const job = (args: readonly string[], options: CallOptions = {}) =>
    callCli(['jobs', ...args, '--db', admin.db.databaseName], options);

  it('lists, shows, starts and cancels what was planned; what is cancelled is refused', async () => {
    await tenant('planned');
    await call(['expire', '--scope', 'planned', ...why], { answer: () => 'no' });
    const [row] = (await job(['list'])).out.split('\n').map((line) => line.split('\t'));
    expect(row?.slice(2, 7)).toEqual(['planned', 'expire', '3', '0', '0']);
    const id = row?.[0] as string;
    const shown = await job(['show', id]);
    expect(shown).toMatchObject({ code: 0, out: expect.stringMatching(/\twaiting\tplanned\tk2\t-\n/) });
    expect(shown.err).toContain(`Planned: 3 keys. Begin with: latchkey jobs start ${id}\n`);
    expect(await job(['start', id, '--confirm', '2', '--yes-expire', '--yes-may-repeat'])).toMatchObject({
      code: 1,
    });
    const started = await job(['start', id, ...CONFIRMED, '--json']);
    expect([started.code, JSON.parse(started.out).job]).toMatchObject([0, { state: 'done', done: 3 }]);
    expect(await statesIn('planned')).toEqual(['expired', 'expired', 'expired', 'running']);
    expect(await job(['cancel', id, ...why])).toEqual({
      code: 1,
      out: '',
      err: 'Refused: The job is done: this is for one that is planned or running or paused\n',
    });
  });

  it('resumes one that has paused', async () => {
    const [first] = await tenant('paused');
    await call(['expire', '--scope', 'paused', ...why], { answer: () => 'no' });
    const [planned] = (await jobs()).filter(({ filter }) => filter?.scope === 'paused');
    const id = String(planned?._id);
    const paused = { state: 'paused', confirmed: { confirm: 'expire', mayRepeat: true } };
    await admin.db
      .collection<{ _id: string }>('idempotency_keys_jobs')
      .updateOne({ _id: id }, { $set: paused });
    expect((await job(['show', id])).err).toContain(`Go on with: latchkey jobs resume ${id}\n`);
    const { code, out } = await job(['resume', id]);
    expect([code, out]).toEqual([0, expect.stringContaining(`${first}\tdone\tpaused\tk0\t-\n`)]);
    expect(await job(['resume', id])).toMatchObject({ code: 1 });
  });

  it('the same command of a job, sent again, acts once', async () => {
    await tenant('again');
    const args = ['expire', '--scope', 'again', ...why, ...CONFIRMED, '--command-key', 'again'];
    const [one, other] = [await call(args), await call(args)];
    expect([one.code, other.code, other.out]).toEqual([0, 0, one.out]);
    const [{ _id } = {}] = (await jobs()).filter(({ filter }) => filter?.scope === 'again');
    expect(await entriesOf({ jobId: _id })).toHaveLength(4);
  });

  it.each([
    ['no such job', ['show', '0b2a4b0e-6f5e-4c1e-9f70-3a1f0d7f7c11'], 1, 'Refused: There is no such job'],
    ['what is no id', ['show', 'odd'], 2, 'Expected `id` to be the id of a job'],
    ['a cancel without a reason', ['cancel', '0b2a4b0e-6f5e-4c1e-9f70-3a1f0d7f7c11'], 2, '--reason'],
  ])('%s', async (_, args, code, message) => {
    expect(await job(args)).toEqual({ code, out: '', err: expect.stringContaining(message) });
  });
});
