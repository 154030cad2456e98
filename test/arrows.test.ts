import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** By the rule that must refuse it. */
const forbidden: Record<string, [file: string, source: string][]> = {
  'lint/style/noRestrictedImports': [
    ['server/idempotency.ts', "export { x } from '../plugin/graphql/host/key.ts';"],
    ['server/events.ts', "export type { X } from '../dashboard/api.ts';"],
    ['server/index.ts', "export { x } from './mongodb/store.ts';"],
    ['server/policy.ts', "export { x } from './memory/store.ts';"],
    ['server/session.ts', "export type { ClientSession } from 'mongodb';"],
    ['server/errors.ts', "export { GraphQLError } from 'graphql';"],
    ['server/trpc.ts', "export { TRPCError } from '@trpc/server';"],
    ['server/call.ts', "export { lint } from './cli/lint.ts';"],
    ['server/kit.ts', "export { x } from './testing/index.ts';"],
    ['server/admin/kit.ts', "export { x } from '../testing/index.ts';"],
    ['server/cli/kit.ts', "export { x } from '../testing/index.ts';"],
    ['server/memory/kit.ts', "export { x } from '../testing/index.ts';"],
    ['plugin/graphql/kit.ts', "export { x } from '../../server/testing/index.ts';"],
    ['plugin/trpc/kit.ts', "export { x } from '../../server/testing/index.ts';"],
    ['plugin/http/kit.ts', "export { x } from '../../server/testing/index.ts';"],
    ['server/otel/store.ts', "export { x } from '../mongodb/store.ts';"],
    ['server/otel/call.ts', "export { x } from '../create-idempotency.ts';"],
    ['server/otel/sdk.ts', "export { x } from '@opentelemetry/sdk-trace-base';"],
    ['server/spans.ts', "export { x } from './otel/index.ts';"],
    ['server/store/memory.ts', "export { x } from '../memory/store.ts';"],
    ['server/testing/store.ts', "export { x } from '../mongodb/store.ts';"],
    ['server/testing/runner.ts', "export { it } from 'vitest';"],
    ['server/testing/kit/audit.ts', "export { x } from '../audit/retry-audit.ts';"],
    ['server/testing/audit/run.ts', "export { x } from '../../idempotency.ts';"],
    ['server/testing/contract/kit.ts', "export { x } from '../../idempotency.ts';"],
    ['server/cli/serve.ts', "export { x } from '../../plugin/trpc/middleware.ts';"],
    ['server/cli/peer.ts', "export { parse } from 'graphql';"],
    ['server/cli/keys/peer.ts', "export { parse } from 'graphql';"],
    ['server/cli/keys/entry.ts', "export { audit } from '../audit.ts';"],
    ['server/cli/jobs/row.ts', "export { show } from '../keys/show.ts';"],
    ['server/cli/session/way-in.ts', "export { x } from '../program.ts';"],
    ['server/cli/session/job.ts', "export { x } from '../jobs/run-job.ts';"],
    ['server/cli/terminal/row.ts', "export { x } from '../session/session.ts';"],
    ['server/engine/decide.ts', "export { x } from '../run.ts';"],
    ['server/engine/store.ts', "export { x } from '../mongodb/store.ts';"],
    ['server/engine/record.ts', "export type { ObjectId } from 'mongodb';"],
    ['server/engine/read.ts', "export { readFileSync } from 'node:fs';"],
    ['server/engine/wait.ts', "export { setTimeout } from 'node:timers/promises';"],
    ['server/engine/random.ts', "export { randomUUID } from 'node:crypto';"],
    ['server/mongodb/store.ts', "export { x } from '../run.ts';"],
    ['server/mongodb/lane.ts', "export { x } from '../memory/store.ts';"],
    ['server/mongodb/codec.ts', "export { x } from '../../plugin/trpc/middleware.ts';"],
    ['server/mongodb/peer.ts', "export { GraphQLError } from 'graphql';"],
    ['server/memory/store.ts', "export { x } from '../idempotency.ts';"],
    ['server/memory/codec.ts', "export { x } from '../mongodb/codec.ts';"],
    ['server/memory/id.ts', "export { ObjectId } from 'mongodb';"],
    ['server/admin/driver.ts', "export type { Db } from 'mongodb';"],
    ['server/admin/store.ts', "export { x } from '../memory/store.ts';"],
    ['server/admin/codec.ts', "export { x } from '../../plugin/graphql/result-codec.ts';"],
    ['server/admin/page.ts', "export { x } from '../../dashboard/api.ts';"],
    ['server/execution/way-in.ts', "export { x } from '../idempotency.ts';"],
    ['server/bodies/run.ts', "export { x } from '../execution/execution.ts';"],
    ['server/formats/rules.ts', "export { x } from '../engine/body.ts';"],
    ['server/formats/utf8.ts', "export { isUtf8 } from 'node:buffer';"],
    ['server/formats/peer.ts', "export type { GraphQLFormattedError } from 'graphql';"],
    ['server/mongodb/format.ts', "export { x } from '../formats/graphql.ts';"],
    ['server/execution/format.ts', "export { x } from '../formats/graphql.ts';"],
    ['server/http/call.ts', "export { x } from '../call.ts';"],
    ['server/run/run.ts', "export { x } from '../idempotency.ts';"],
    ['server/fingerprints/run.ts', "export { x } from '../run/run.ts';"],
    ['server/adapter/internals.ts', "export { x } from '../execution/execution.ts';"],
    ['server/plain/plain-call.ts', "export { x } from '../execution/execution.ts';"],
    ['server/process/stats.ts', "export { x } from '../run/run.ts';"],
    ['server/mongodb/writes/store.ts', "export { x } from '../store.ts';"],
    ['server/mongodb/pipelines/lane.ts', "export { x } from '../writes/write-lane.ts';"],
    ['server/mongodb/setup/store.ts', "export { x } from '../store.ts';"],
    ['server/doctor/facts.ts', "export { x } from '../mongodb/store.ts';"],
    ['server/doctor/ask/judge.ts', "export { x } from '../judge/judge.ts';"],
    ['server/doctor/ask/page.ts', "export { x } from '../../admin/collections/audit.ts';"],
    ['server/doctor/ask/driver.ts', "export { MongoClient } from 'mongodb';"],
    ['server/doctor/judge/ask.ts', "export { x } from '../ask/ask-facts.ts';"],
    ['server/doctor/judge/collection.ts', "export { x } from '../../mongodb/database.ts';"],
    ['server/operator/command.ts', "export { x } from '../admin/commands/act.ts';"],
    ['server/operator/peer.ts', "export { TRPCError } from '@trpc/server';"],
    ['server/operator/run.ts', "export { x } from '../execution/execution.ts';"],
    ['server/operator/store.ts', "export { x } from '../memory/store.ts';"],
    ['server/admin/api/way-in.ts', "export { x } from '../create-dashboard.ts';"],
    ['server/admin/commands/api.ts', "export { x } from '../api/router.ts';"],
    ['server/admin/bulk/command.ts', "export { x } from '../commands/act.ts';"],
    ['server/admin/actions/bulk.ts', "export { x } from '../bulk/bulk.ts';"],
    ['server/admin/keys/action.ts', "export { x } from '../actions/take-action.ts';"],
    ['server/admin/bodies/key.ts', "export { x } from '../keys/detail.ts';"],
    ['server/admin/collections/key.ts', "export { x } from '../keys/list.ts';"],
    ['server/admin/collections/services.ts', "export type { X } from '../services/services.ts';"],
    ['server/admin/services/action.ts', "export { x } from '../actions/take-action.ts';"],
    ['server/admin/rerunners/key.ts', "export { x } from '../keys/list.ts';"],
    ['server/admin/contract/key.ts', "export { x } from '../keys/list.ts';"],
    ['server/admin/page/key.ts', "export { x } from '../keys/list.ts';"],
    ['plugin/graphql/document/host.ts', "export { x } from '../host/key.ts';"],
    ['plugin/graphql/host/call.ts', "export { x } from '../call/replay.ts';"],
    ['plugin/graphql/call/fields.ts', "export { x } from '../fields/field-calls.ts';"],
    ['plugin/graphql/fields/plugin.ts', "export { x } from '../use-idempotency.ts';"],
    ['plugin/graphql/schema/call.ts', "export { x } from '../call/replay.ts';"],
    ['plugin/graphql/status/plugin.ts', "export { x } from '../use-idempotency.ts';"],
    ['plugin/graphql/rerunner/plugin.ts', "export { x } from '../use-idempotency.ts';"],
    ['dashboard/components/ui/key.ts', "export { x } from '../key/key-tabs.tsx';"],
    ['plugin/graphql/key.ts', "export { x } from '../trpc/batch-keys.ts';"],
    ['plugin/graphql/store.ts', "export { x } from '../../server/mongodb/store.ts';"],
    ['plugin/graphql/peer.ts', "export { TRPCError } from '@trpc/server';"],
    ['plugin/graphql/db.ts', "export { MongoClient } from 'mongodb';"],
    ['plugin/trpc/key.ts', "export { x } from '../graphql/key.ts';"],
    ['plugin/trpc/store.ts', "export { x } from '../../server/memory/store.ts';"],
    ['plugin/trpc/peer.ts', "export { createYoga } from 'graphql-yoga';"],
    ['plugin/trpc/db.ts', "export { MongoClient } from 'mongodb';"],
    ['plugin/http/key.ts', "export { x } from '../trpc/key.ts';"],
    ['plugin/http/store.ts', "export { x } from '../../server/mongodb/store.ts';"],
    ['plugin/http/peer.ts', "export { GraphQLError } from 'graphql';"],
    ['dashboard/decide.ts', "export type { Decision } from '../server/engine/decide.ts';"],
    ['dashboard/client.ts', "export { x } from '../plugin/client/key.ts';"],
    ['dashboard/node.ts', "export { readFileSync } from 'node:fs';"],
    ['plugin/client/key.ts', "export { randomUUID } from 'node:crypto';"],
    ['plugin/key/random.ts', "export { randomUUID } from 'node:crypto';"],
    ['plugin/key/client.ts', "export { x } from '../client/fetch.ts';"],
    ['plugin/client/errors.ts', "export { x } from '../../server/engine/errors.ts';"],
    ['plugin/client/fetch.ts', "export { useState } from 'react';"],
    ['plugin/client/apollo.ts', "export { Client } from '@urql/core';"],
    ['plugin/client/react-query.ts', "export type { QueryClient } from '@tanstack/react-query';"],
    ['plugin/client/react.ts', "export { ApolloLink } from '@apollo/client';"],
    ['plugin/client/trpc.ts', "export { useState } from 'react';"],
    ['plugin/client/urql.ts', "export type { TRPCLink } from '@trpc/client';"],
  ],
  // lint/pure.grit and lint/types-only.grit
  plugin: [
    [
      'dashboard/api.ts',
      "import { appRouter } from '../server/admin/api/router.ts';\nexport const x = appRouter;",
    ],
    [
      'dashboard/pages/mixed.ts',
      "import { type A, b } from '../../server/admin/x.ts';\nexport const y: A = b;",
    ],
    ['dashboard/again.ts', "export { appRouter } from '../server/admin/api/router.ts';"],
    ['dashboard/effect.ts', "import '../server/admin/api/router.ts';"],
    ['dashboard/lazy.ts', "export const x = () => import('../server/admin/api/router.ts');"],
    ['server/engine/now.ts', 'export const x = Date.now();'],
    ['server/engine/today.ts', 'export const x = new Date();'],
    ['server/engine/math.ts', 'export const x = Math.random();'],
  ],
  'lint/style/noRestrictedGlobals': [
    ['server/engine/uuid.ts', 'export const x = crypto.randomUUID();'],
    ['server/engine/clock.ts', 'export const x = performance.now();'],
    ['server/engine/env.ts', 'export const x = process.env;'],
    ['server/engine/timer.ts', 'export const x = setTimeout(() => {}, 1);'],
    ['plugin/client/node.ts', 'export const x = process.env;'],
    ['server/formats/bytes.ts', "export const x = Buffer.byteLength('');"],
    ['dashboard/env.ts', 'export const x = process.env;'],
  ],
  'lint/style/noDefaultExport': [['plugin/graphql/default.ts', 'export default 1;']],
  'lint/suspicious/noExplicitAny': [['plugin/graphql/any.ts', 'export const x: any = 1;']],
  'lint/style/useFilenamingConvention': [['plugin/graphql/camelCase.ts', 'export const x = 1;']],
  'lint/performance/noBarrelFile': [
    ['plugin/graphql/barrel.ts', "export * from './key.ts';\nexport * from './directives.ts';"],
  ],
};

const allowed: [file: string, source: string][] = [
  [
    'dashboard/pages/ok.ts',
    "import { useState } from 'react';\nimport type { KeyRow } from '../../server/admin/contract/contract.ts';\n" +
      "import { api } from '../api.ts';\nexport const y = (row: KeyRow) => [useState, api, row];",
  ],
  [
    'dashboard/lib/ok.ts',
    "import { FORMATS } from '../../server/formats/formats.ts';\nexport const names = FORMATS.map(({ name }) => name);",
  ],
  [
    'server/admin/actions/ok.ts',
    "import { FORMATS } from '../../formats/formats.ts';\nexport const names = FORMATS.map(({ name }) => name);",
  ],
  ['server/wait.ts', "import { x } from './engine/decide.ts';\nexport const y = x(Date.now());"],
  ['server/cli.ts', "import { lint } from './cli/lint.ts';\nlint();"],
  [
    'server/cli/lint.ts',
    "import { x } from '../../plugin/graphql/directives.ts';\nimport { y } from '../../plugin/trpc/described-procedures.ts';\nexport const lint = () => [x, y];",
  ],
  [
    'server/engine/pure.ts',
    "import { hash } from 'node:crypto';\nimport { parseItem } from 'structured-headers';\n" +
      "import { x } from './record.ts';\nexport const y = (z: unknown) => (z instanceof Date ? hash('sha256', x) : parseItem(x));",
  ],
  [
    'server/mongodb/ok.ts',
    "import { setTimeout } from 'node:timers/promises';\nimport { Long } from 'mongodb';\n" +
      "import { x } from '../engine/store.ts';\nexport const y = [setTimeout, Long, x];",
  ],
  [
    'server/admin/ok.ts',
    "import { TRPCError } from '@trpc/server';\nimport { x } from '../mongodb/codec.ts';\nexport const y = [TRPCError, x];",
  ],
  [
    'plugin/client/options.ts',
    "import { x } from '../../server/engine/check-options.ts';\nimport { y } from '../../server/engine/option-checks.ts';\n" +
      'export const z = [x, y];',
  ],
  ['server/operator/ok.ts', "import { x } from '../admin/actions/take-action.ts';\nexport const y = x;"],
  ['server/memory/ok.ts', "import { x } from '../engine/decide.ts';\nexport const y = x;"],
  [
    'plugin/graphql/ok.ts',
    "import { isAsyncIterable } from '@envelop/core';\nimport { GraphQLError } from 'graphql';\n" +
      "import { x } from '../../server/idempotency.ts';\nexport const y = [isAsyncIterable, GraphQLError, x];",
  ],
  [
    'plugin/trpc/ok.ts',
    "import { TRPCError } from '@trpc/server';\nimport { x } from '../../server/engine/errors.ts';\nexport const y = [TRPCError, x];",
  ],
];

const root = fileURLToPath(new URL('..', import.meta.url));
let directory: string;
let complaints: Map<string, string[]>;

// One run over a tree of its own, with our configuration: Biome reports nothing for code on standard input.
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-arrows-'));
  await cp(join(root, 'biome.json'), join(directory, 'biome.json'));
  await cp(join(root, 'lint'), join(directory, 'lint'), { recursive: true });
  for (const [file, source] of [...Object.values(forbidden).flat(), ...allowed]) {
    await mkdir(join(directory, dirname(file)), { recursive: true });
    await writeFile(join(directory, file), `${source}\n`);
  }
  const args = ['lint', '--reporter=json', '--max-diagnostics=none'];
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/biome'), args, {
    cwd: directory,
    encoding: 'utf8',
  });
  complaints = new Map();
  for (const { severity, category, location } of JSON.parse(stdout).diagnostics) {
    if (severity !== 'error') continue;
    complaints.set(location.path, [...(complaints.get(location.path) ?? []), category]);
  }
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe.each(Object.entries(forbidden))('%s refuses', (rule, files) => {
  it.each(files)('%s: %s', (file) => {
    expect(complaints.get(file)).toContain(rule);
  });
});

describe('lint accepts', () => {
  it.each(allowed)('%s', (file) => {
    expect(complaints.get(file)).toBeUndefined();
  });
});
