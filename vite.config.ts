import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As Node.js resolves it: otherwise this code and graphql-yoga would each get a `GraphQLError` class of their own.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: { include: ['server/**', 'plugin/**'] },
    globalSetup: 'test/support/global-setup.ts',
  },
});
