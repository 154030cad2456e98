import { describe, expect, test } from 'vitest';
import type { Policy, RequestPolicy } from '../../server/engine/policy.ts';
import { askPolicy, type PolicyFunctions, policyOfCall } from '../../server/engine/request-policy.ts';
import { resolvePolicy } from '../../server/engine/resolve-policy.ts';

const origin = { of: 'useIdempotency' };
const saying = (given: unknown, at?: string) => ({
  decide: async () => given as RequestPolicy,
  origin: at === undefined ? origin : { ...origin, at },
});

/** Options with a value that is not the default. */
const BY_REQUEST: RequestPolicy = {
  retentionMs: 5_000,
  maxRunMs: 6_000,
  waitTimeoutMs: 7_000,
  retain: 'outcome',
  maxResultBytes: 8,
  compressAboveBytes: null,
  captureRequest: true,
  maxCapturedBytes: 9,
};

const policyBy = (own: Policy, functions: Omit<PolicyFunctions<string>, 'own'>) =>
  policyOfCall(resolvePolicy(own), { ...functions, own }, () => 'call');

describe('a `policy` function', () => {
  test.each(Object.entries({ ...BY_REQUEST, concurrent: 'reject' }))(
    'may decide `%s`',
    async (name, value) => {
      const decided =
        name === 'maxCapturedBytes' ? { captureRequest: true, [name]: value } : { [name]: value };
      expect(await policyBy({}, { ofOne: saying(decided) })).toEqual({ ...resolvePolicy({}), ...decided });
    },
  );

  test('that nobody has given leaves the policy as it is, at once', () => {
    const policy = resolvePolicy({ leaseMs: 5_000 });
    expect(policyOfCall(policy, { own: {} }, () => expect.unreachable())).toBe(policy);
  });

  test('leaves what it does not say, and what it says undefined of', async () => {
    const own: Policy = { leaseMs: 5_000, retentionMs: 6_000 };
    for (const ofOne of [saying({}), saying({ retentionMs: undefined })])
      expect(await policyBy(own, { ofOne })).toEqual(resolvePolicy(own));
  });

  test('is asked about the call', async () => {
    const decide = (call: string) => ({ retentionMs: call === 'call' ? 5_000 : 6_000 });
    expect(await policyBy({}, { ofAll: { decide, origin } })).toMatchObject({ retentionMs: 5_000 });
  });

  test.each([
    'leaseMs',
    'unresolvedRetentionMs',
    'onCrash',
    'resolve',
    'classify',
    'transaction',
    'cipher',
    'redact',
    'keyFormat',
    'fingerprint',
    'watchDuplicates',
  ])('may not decide `%s`, which has to be the same for every call of a key', async (name) => {
    await expect(askPolicy(saying({ [name]: null }), 'call')).rejects.toThrow(
      new TypeError(
        `Unknown option \`policy(…).${name}\` of useIdempotency(...): it is an option of createIdempotency(...) or of the operation, for it has to be the same for every call of one key`,
      ),
    );
  });

  test.each<[unknown, string]>([
    [undefined, 'Expected `fields.pay.policy(…)` to be an object, got undefined'],
    [{ retentionMs: 5 }, 'Expected `fields.pay.policy(…).retentionMs` to be '],
    [
      { concurrent: 'reject', waitTimeoutMs: 5 },
      "Expected no `fields.pay.policy(…).waitTimeoutMs` beside `concurrent: 'reject'`",
    ],
  ])('that says %j is refused, and the message says where it stands', async (given, message) => {
    await expect(askPolicy(saying(given, 'fields.pay'), 'call')).rejects.toThrow(message);
  });
});

test('the word of one operation goes before that of all, and a function’s before a value of its own place', async () => {
  const ofAll = saying({ retentionMs: 2_000, maxResultBytes: 2, waitTimeoutMs: 2 });
  const ofOne = saying({ maxResultBytes: 3 });
  expect(await policyBy({ retentionMs: 1_000, maxResultBytes: 1 }, { ofAll, ofOne })).toMatchObject({
    retentionMs: 1_000,
    maxResultBytes: 3,
    waitTimeoutMs: 2,
  });
});

test('each function gets a call object of its own', async () => {
  const seen: object[] = [];
  const decide = (call: object) => {
    seen.push(call);
    return {};
  };
  const both = { ofAll: { decide, origin }, ofOne: { decide, origin }, own: {} };
  await policyOfCall(resolvePolicy({}), both, () => ({}));
  expect(new Set(seen).size).toBe(2);
});
