import { initTRPC } from '@trpc/server';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import {
  createIdempotency,
  type Idempotency,
  isIdempotencyError,
  type Policy,
  type Run,
} from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { refuses } from '../../server/testing/audit/answers.ts';
import {
  type AuditCall,
  type AuditFault,
  type AuditOptions,
  type AuditReport,
  assertSound,
  createTestkit,
  retryAudit,
  type Testkit,
} from '../../server/testing/index.ts';
import { listen } from '../support/listen.ts';
import { createFaultyApp, createProvider } from './faulty-app.ts';

interface Input {
  readonly amount: number;
  readonly fails?: boolean;
}

/** Sends a mutation as a client of its API does. */
function sendTo(url: string) {
  return (
    { name, api }: { name: string; api: 'trpc' | 'graphql' },
    { key, scope, input }: AuditCall<Input>,
  ) =>
    fetch(`${url}/${api === 'trpc' ? `trpc/${name}` : 'graphql'}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: scope,
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify(
        api === 'trpc'
          ? input
          : {
              query: `mutation ($amount: Int!, $fails: Boolean) { ${name}(amount: $amount, fails: $fails) { id amount } }`,
              variables: input,
            },
      ),
    });
}

const PLANTED: Readonly<Record<string, { api: 'trpc' | 'graphql'; fault: AuditFault }>> = {
  keyNotRequired: { api: 'trpc', fault: 'key_not_required' },
  keyOfItsOwn: { api: 'trpc', fault: 'key_ignored' },
  freshAnswer: { api: 'trpc', fault: 'answers_differ' },
  effectBefore: { api: 'trpc', fault: 'effect_outside' },
  sharedScope: { api: 'trpc', fault: 'scope_shared' },
  argumentsIgnored: { api: 'graphql', fault: 'arguments_not_compared' },
  releasedFailure: { api: 'graphql', fault: 'failure_runs_again' },
  crashRepeats: { api: 'graphql', fault: 'crash_runs_again' },
};

test('on real servers of tRPC and GraphQL the audit finds each of eight planted faults by its name, and no other', async () => {
  const provider = createProvider();
  await using kit = createTestkit();
  await using server = await listen(createFaultyApp(kit.idempotency, provider));
  const apis = {
    sound: 'trpc',
    soundSteps: 'trpc',
    soundField: 'graphql',
    ...Object.fromEntries(Object.entries(PLANTED).map(([name, { api }]) => [name, api])),
  } as Readonly<Record<string, 'trpc' | 'graphql'>>;
  const mutations = Object.entries(apis).map(([name, api]) => ({
    name,
    api,
    input: { amount: 5 },
    otherInput: { amount: 6 },
    ...(name !== 'soundSteps' && { failing: { input: { amount: 7, fails: true } } }),
    effects: () => provider.charges(name),
  }));
  const report = await retryAudit(sendTo(server.url), mutations, { kit, scopes: ['ada', 'bob'] });
  expect(Object.fromEntries(report.findings.map(({ mutation, fault }) => [mutation, fault]))).toEqual(
    Object.fromEntries(Object.entries(PLANTED).map(([name, { fault }]) => [name, fault])),
  );
  expect(report.findings).toHaveLength(8);
  expect(report.isSound).toBe(false);
  expect(() => assertSound(report)).toThrow('Retry audit: 8 of 11 mutations are not sound');
});

/** A `Handler` is what an operation does, told how to charge a card; `fails` says that it fails after that. */
type Handler = (run: Run | undefined, charge: (idempotencyKey?: string) => string, fails: boolean) => unknown;

interface Trial {
  readonly kit: Testkit;
  readonly policy?: Policy;
  readonly handler?: Handler;
  readonly options?: AuditOptions;
  /** Calls the operation in place of `idempotency.run`. */
  readonly call?: (run: () => Promise<unknown>, handler: () => unknown) => unknown;
  readonly idempotency?: Idempotency;
  readonly failing?: boolean;
}

/** Audits one operation of a program that calls `idempotency.run`. */
async function audit({ kit, policy = {}, handler, options, call, idempotency, failing = true }: Trial) {
  const provider = createProvider();
  const charge = (idempotencyKey?: string) => provider.charge('pay', idempotencyKey);
  const pay: Handler = handler ?? ((run) => charge(run?.downstreamKey('charge')));
  const mutation = {
    name: 'pay',
    input: { fails: false, amount: 5 },
    otherInput: { fails: false, amount: 6 },
    ...(failing && { failing: { input: { fails: true, amount: 5 } } }),
    effects: () => provider.charges('pay'),
  };
  const run = ({ key, scope, input }: AuditCall<typeof mutation.input>) => {
    const by = idempotency ?? kit.idempotency;
    const body = async (run: Run | undefined) => {
      const value = await pay(run, charge, input.fails);
      if (input.fails) throw new Error('The mail could not be sent');
      return value;
    };
    const keyed = () =>
      by.run({ scope, key: key as string, operation: 'pay', input }, body, policy) as Promise<unknown>;
    return call ? call(keyed, () => body(undefined)) : keyed();
  };
  return retryAudit(async (_, call) => run(call), [mutation], options ?? { kit, scopes: ['ada', 'bob'] });
}

const faultsOf = ({ findings }: AuditReport) => findings.map(({ fault }) => fault);
const trialsOf = ({ findings }: AuditReport) =>
  findings.flatMap(({ evidence }) => evidence.map(({ trial }) => trial));

describe('an operation is sound that', () => {
  test.each<[what: string, trial: Omit<Trial, 'kit'>]>([
    ['leaves a crash in doubt', {}],
    ['retries a crash with a downstream key', { policy: { onCrash: 'retry' } }],
    [
      'retries a crash from step to step',
      {
        policy: { onCrash: 'retry' },
        handler: (run, charge) => run?.step('charge', ({ key }) => charge(key)),
      },
    ],
    ['keeps no text of its answers', { policy: { retain: 'outcome' } }],
    ['refuses a concurrent twin', { policy: { concurrent: 'reject' } }],
    [
      'releases its key before the effect',
      {
        handler(run, charge, fails) {
          if (fails) run?.release('nothing was done');
          else charge();
        },
      },
    ],
  ])('%s', async (_, trial) => {
    await using kit = createTestkit();
    const report = await audit({ kit, ...trial });
    expect(report.findings, String(report)).toEqual([]);
    expect(() => assertSound(report)).not.toThrow();
  });
});

describe('the audit finds an operation that', () => {
  test.each<[what: string, trial: Omit<Trial, 'kit'>, faults: AuditFault[], trials: string[]]>([
    ['nothing protects', { call: (_, handler) => handler() }, ['key_ignored'], ['a lost answer']],
    [
      'runs by itself when the store is away',
      {
        call: (run, handler) =>
          run().catch((error) => {
            if (isIdempotencyError(error) && error.code === 'IDEMPOTENCY_STORE_UNAVAILABLE') return handler();
            throw error;
          }),
      },
      ['runs_without_store'],
      ['a store that is away'],
    ],
    [
      'charges in a step without the key of the step',
      { policy: { onCrash: 'retry' }, handler: (run, charge) => run?.step('charge', () => charge()) },
      ['crash_runs_again'],
      ['a crash { during: "charge" }'],
    ],
    [
      'releases its key after the effect',
      {
        handler(run, charge, fails) {
          charge();
          if (fails) run?.release('the mail could not be sent');
        },
      },
      ['failure_runs_again'],
      ['a failure after the effect'],
    ],
  ])('%s', async (_, trial, faults, trials) => {
    await using kit = createTestkit();
    const report = await audit({ kit, ...trial });
    expect(faultsOf(report), String(report)).toEqual(faults);
    expect(trialsOf(report)).toEqual(trials);
  });

  test('is retried after a crash, where the application says how to crash it', async () => {
    await using kit = createTestkit();
    const crash = async (work: () => Promise<unknown>) => {
      await kit.crash(work, { at: 'end' });
      await kit.advance(30_001);
    };
    const trial = { kit, policy: { onCrash: 'retry' }, handler: (_run, charge) => charge() } satisfies Trial;
    const report = await audit({ ...trial, options: { crash } });
    expect(faultsOf(report)).toEqual(['crash_runs_again']);
    expect(trialsOf(report)).toEqual(['a crash']);
    expect(report.untried.map(({ trial }) => trial)).toEqual([
      'the same key in another scope',
      'a store that is away',
    ]);
  });

  test('has its effect twice, where no testkit can tell why', async () => {
    await using kit = createTestkit();
    const report = await audit({ kit, call: (_, handler) => handler(), options: {} });
    expect(faultsOf(report)).toEqual(['effect_twice']);
  });
});

describe('an audit that could not try anything is not sound', () => {
  test.each<[what: string, trial: (kit: Testkit) => Partial<Trial>, trial: string]>([
    [
      'its requests fail',
      () => ({ call: () => Promise.reject(new Error('404')) }),
      'the first request, which had no effect',
    ],
    [
      'its effects can not be counted',
      () => ({ handler: () => 'nothing is charged' }),
      'the first request, which had no effect',
    ],
    [
      'its testkit is not that of the application',
      () => ({ idempotency: createIdempotency({ store: createMemoryStore() }) }),
      'a request of which the testkit has no record: is the application made with `kit.idempotency`?',
    ],
  ])('%s', async (_, trial, seen) => {
    await using kit = createTestkit();
    const report = await audit({ kit, ...trial(kit) });
    expect(faultsOf(report)).toEqual(['not_audited']);
    expect(trialsOf(report)).toEqual([seen]);
  });

  test('its count of effects is no number, and the report has the error', async () => {
    const mutation = { name: 'pay', input: {}, effects: () => Number.NaN };
    const report = await retryAudit(async () => 'paid', [mutation]);
    expect(faultsOf(report)).toEqual(['not_audited']);
    expect(String(report.findings[0]?.evidence[0]?.answers[0])).toContain(
      'Expected `effects` of pay to return a number, got NaN',
    );
  });

  test('a request gets no answer in time', async () => {
    const mutation = { name: 'pay', input: {}, effects: () => 0 };
    const report = await retryAudit(() => new Promise(() => {}), [mutation], { answerTimeoutMs: 1 });
    expect(faultsOf(report)).toContain('no_answer');
  });
});

test('a tRPC caller in the process is audited as well: what it throws is an answer', async () => {
  await using kit = createTestkit();
  const provider = createProvider();
  const t = initTRPC.context<{ user: string; key: string | undefined }>().create();
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency: kit.idempotency,
    scope: ({ ctx }) => ctx.user,
    key: ({ ctx }) => ctx.key,
    require: true,
  });
  const router = t.router({
    pay: t.procedure
      .input(z.object({ amount: z.number() }))
      .use(idempotent())
      .mutation(({ ctx }) => provider.charge('pay', ctx.idempotency.downstreamKey('charge'))),
  });
  const report = await retryAudit(
    (_, { key, scope, input }) => router.createCaller({ user: scope, key }).pay(input),
    [
      {
        name: 'pay',
        input: { amount: 5 },
        otherInput: { amount: 6 },
        effects: () => provider.charges('pay'),
      },
    ],
    { kit, scopes: ['ada', 'bob'] },
  );
  expect(report.findings, String(report)).toEqual([]);
});

describe('an answer refuses', () => {
  const socket: Record<string, unknown> = {
    get broken(): never {
      throw new Error('read');
    },
  };
  socket.itself = { socket };
  test.each<[boolean, unknown]>([
    [true, { status: 409, body: {} }],
    [true, { errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }] }],
    [true, { error: { data: { httpStatus: 422 } } }],
    [
      true,
      Object.assign(new Error('Conflict'), {
        data: { idempotency: { code: 'IDEMPOTENCY_IN_DOUBT' } },
        socket,
      }),
    ],
    [true, new Error('wrapped', { cause: Object.assign(new Error(), { code: 'IDEMPOTENCY_KEY_MISSING' }) })],
    [false, { status: 201, body: { status: 'paid', code: 'EUR' } }],
    [false, { status: 500 }],
    [false, Object.assign(new Error('no network'), { code: 'ECONNRESET', socket })],
    [false, null],
    [false, 'IDEMPOTENCY_IN_DOUBT'],
  ])('%s, answer %#', (expected, answer) => {
    expect(refuses(answer)).toBe(expected);
  });
});

test('what is refused for another reason than its key is not tried, and no fault', async () => {
  await using kit = createTestkit();
  const provider = createProvider();
  const mutation = {
    ...{ name: 'pay', input: 5, otherInput: -1, failing: { input: -1 } },
    effects: () => provider.charges('pay'),
  };
  const report = await retryAudit(
    async (_, { key = '', scope, input }) => {
      if (scope !== 'ada') return { status: 403 };
      if (input < 0) return { status: 400 };
      const pay = () => provider.charge('pay');
      return kit.idempotency.run({ scope, key, operation: 'pay', input }, pay);
    },
    [mutation],
    { kit, scopes: ['ada', 'bob'] },
  );
  expect(report.findings, String(report)).toEqual([]);
  expect(report.untried).toEqual([
    {
      mutation: 'pay',
      trial: 'the same key with other arguments',
      why: 'With a key of its own, the `otherInput` has no effect: it has to succeed.',
    },
    {
      mutation: 'pay',
      trial: 'the same key in another scope',
      why: 'With a key of its own, bob has no effect: both `scopes` have to be allowed to do this.',
    },
    {
      mutation: 'pay',
      trial: 'a failure after the effect',
      why: 'The request had no effect: `failing` has to break what comes after the effect.',
    },
  ]);
});

test('a mutation that may run without a key is not asked for one', async () => {
  await using kit = createTestkit();
  const provider = createProvider();
  const mutation = { name: 'pay', input: {}, effects: () => provider.charges('pay') };
  const pay = () => provider.charge('pay');
  const send = async (_: unknown, { key, scope }: AuditCall) =>
    key === undefined ? pay() : kit.idempotency.run({ scope, key, operation: 'pay' }, pay);
  expect(faultsOf(await retryAudit(send, [mutation], { kit }))).toEqual(['key_not_required']);
  expect(faultsOf(await retryAudit(send, [{ ...mutation, keyless: 'allowed' }], { kit }))).toEqual([]);
});

test('what is no audit is a TypeError', async () => {
  const mutation = { name: 'pay', input: {}, effects: () => 0 };
  const send = async () => 'paid';
  const wrong: [unknown, unknown, unknown, string][] = [
    [undefined, [mutation], {}, 'Expected the first argument of retryAudit(...) to be your `send`'],
    [send, [], {}, 'Expected at least one mutation to audit'],
    [send, [{ name: 'pay' }], {}, 'Expected each mutation to be { name, input, effects, … }'],
    [send, [mutation, mutation], {}, 'Expected each mutation to have a name of its own'],
    [send, [mutation], { scope: ['a', 'b'] }, 'Unknown option `scope` of retryAudit(...)'],
    [send, [mutation], { scopes: ['a', 'a'] }, 'Expected `scopes` to be two different names of scopes'],
    [send, [mutation], { kit: {} }, 'Expected `kit` to be what createTestkit(...) returns'],
  ];
  for (const [one, many, options, message] of wrong)
    await expect(retryAudit(one as never, many as never, options as never)).rejects.toThrow(message);
});
