import superjson from 'superjson';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createIdempotency, type Policy } from '../../server/index.ts';
import { MemoryStore } from '../../server/memory/store.ts';
import { callersOf } from '../support/callers.ts';
import { startThreeApis } from '../support/three-apis.ts';

// Literal on purpose. A record lives on through deployments: were another hash made of the same request, each stored record would answer
// IDEMPOTENCY_KEY_REUSED to an honest retry. Whoever changes a canonical form gives it a rule of its own, beside the old one.
const GOLDEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'the whole input': {
    GraphQL: 's1:ed14118401a0575deb66f571db52db7499d8244c4993b5c5469e1d6e4e655be0',
    tRPC: 's1 as d96e1c7d:5c5d756376c74d0eb8a18d0a6bd359c9e303d659e2b4449a26f461b8e7eab574',
    HTTP: 's1:341ed62750cd3f216d92988c906873f9db35e94b28a1a0dad01168f21561ca75',
    'tRPC with superjson': 's1 as e5f2fa9c:1d3b21dfff436cb9563ad304970595c64efb0fd3849d8b5372944d36c29e9667',
    'idempotency.run': 's1:2066991d4aba5cb6fbaa4714abe0e081a2f20c3cd525bc42d75c644c8678f860',
  },
  'all but a path': {
    GraphQL: 's1 without pay.order.note:9c3fcfb9025d91067d21d6f6585fc85c9e0c4ea6d9908eef29e09193ca2ae629',
    tRPC: 's1 without order.note as d96e1c7d:d789a47882adadc32f02690470cedb7a949a966a127fac72d3dc55e636294a17',
    HTTP: 's1 without order.note:a244d2daca505bee4b0d760b5e7fc4efa098232af6cbe76aeda48cb275482f6b',
    'tRPC with superjson':
      's1 without order.note as e5f2fa9c:1cec0144385fc1608b297926e5dc0154a291e3456569a84773ca2d11942cd2cb',
    'idempotency.run':
      's1 without order.note:b4fd9e436c503335d2e318c149b5bc2374e77f2230313ef02050f7297b138957',
  },
  'what a function gives': {
    GraphQL: 's1 by pay.v1:136595e8b9279135bc539f8f91df34f241c8072ed41b2db98795dc582ccb1b1f',
    tRPC: 's1 by v1 as d96e1c7d:b9cfcd1149f8af0e849f146df7f33c4c6e26410c1b93e901f5e1d7fbdaab75d9',
    HTTP: 's1 by v1:b36bc2f7cc536d4f2901ca359bfa9eff7a82a171a85f87ca0fa26c92173dc23c',
    'tRPC with superjson':
      's1 by v1 as e5f2fa9c:b9cfcd1149f8af0e849f146df7f33c4c6e26410c1b93e901f5e1d7fbdaab75d9',
    'idempotency.run': 's1 by v1:b9cfcd1149f8af0e849f146df7f33c4c6e26410c1b93e901f5e1d7fbdaab75d9',
  },
  'what a version of a function gives': {
    GraphQL: 's1 by pay.v2:9e31c426360827e030bbb589a8f66b7378c3eacdbf5c182c7de82f8a6bca1d9e',
    tRPC: 's1 by v2 as d96e1c7d:3111ece19dbaade2979c30526aab5e19b38d975179dfd5a063a491439d4af411',
    HTTP: 's1 by v2:01235d5153f4ff1a9f1ad29dcd426f09b6b035e0268e024f1546cfcd81312ffd',
    'tRPC with superjson':
      's1 by v2 as e5f2fa9c:3111ece19dbaade2979c30526aab5e19b38d975179dfd5a063a491439d4af411',
    'idempotency.run': 's1 by v2:3111ece19dbaade2979c30526aab5e19b38d975179dfd5a063a491439d4af411',
  },
};
const SELECTION = 's1:e08ca0262d540aa5c88025032715c6bd307e0fa9954cddf508b553b3d7b50be0';

const policies: Record<string, Policy> = {
  'the whole input': {},
  'all but a path': { fingerprint: { exclude: ['order.note'] } },
  'what a function gives': { fingerprint: () => ['order', 5] },
  'what a version of a function gives': { fingerprint: { versions: { v2: () => null, v1: () => 1 } } },
};

const input = { order: { id: 5, note: 'é', lines: [1.5, null] } };
const store = new MemoryStore();
const idempotency = createIdempotency({ store });
afterAll(() => idempotency.close());

const open = (policy: Policy, withSuperjson = false) =>
  startThreeApis({
    idempotency,
    policy,
    typeDefs: `
      input Order { id: Int!, note: String, lines: [Float] }
      type Receipt { id: ID!, total: Int }
      type Mutation { pay(order: Order!): Receipt }`,
    input: z.object({
      order: z.object({ id: z.number(), note: z.string(), lines: z.array(z.number().nullable()) }),
    }),
    mutations: { pay: () => ({ id: 'r_1', total: 5 }) },
    ...(withSuperjson && { transformer: superjson }),
  });

const APIS = {
  ...callersOf<object>({
    name: 'pay',
    query: 'mutation ($order: Order!) { pay(order: $order) { id total } }',
    input: () => input,
  }),
  'tRPC with superjson': callersOf<object>({
    name: 'pay',
    query: '',
    superjson: true,
    input: () => input,
  }).tRPC,
};

function written(key: string) {
  const { fingerprint, selection } = store.records.find((record) => record.key === key) ?? {};
  return { fingerprint, selection };
}

describe.each(Object.entries(policies))('a record that is compared by %s', (name, policy) => {
  test.each(Object.entries(APIS))(
    'has the fingerprint that earlier releases wrote, in %s',
    async (api, pay) => {
      await using apis = await open(policy, api === 'tRPC with superjson');
      const key = `${name} ${api}`.replaceAll(' ', '-');
      expect(await pay({ url: apis.url, key, user: 'acme' })).toMatchObject({ status: 200 });
      expect(written(key)).toEqual({
        fingerprint: GOLDEN[name]?.[api],
        selection: api === 'GraphQL' ? SELECTION : undefined,
      });
    },
  );

  test('has the fingerprint that earlier releases wrote, in idempotency.run', async () => {
    const key = name.replaceAll(' ', '-');
    await idempotency.run({ scope: 'acme', key, operation: 'pay', input }, () => 1, policy as never);
    expect(written(key).fingerprint).toBe(GOLDEN[name]?.['idempotency.run']);
  });
});
