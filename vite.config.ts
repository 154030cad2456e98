import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { compressAssets } from './scripts/compress-assets.ts';
import { LongestFirst } from './test/support/longest-first.ts';

/** `vite build`: the operator dashboard. Relative assets, for the server decides at which path it is mounted. */
const dashboard: ViteUserConfig = {
  root: 'dashboard',
  base: './',
  plugins: [react(), tailwindcss(), compressAssets()],
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // Nothing inline: the page's content security policy allows neither data: URLs nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
};

/** The entries of the package, each with its source: examples import them by name. */
const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const entries = Object.entries<{ default?: string }>(exports).flatMap(([entry, { default: built }]) => {
  const source = built?.replace('./dist/', './').replace(/\.js$/, '.ts');
  if (!source) return [];
  const find = new RegExp(`^${entry.replace('.', 'latchkey')}$`);
  return [{ find, replacement: fileURLToPath(new URL(source, import.meta.url)) }];
});

const shared = {
  resolve: {
    alias: [
      // As Node.js resolves it: otherwise this code and graphql-yoga would each get a `GraphQLError` class of their own.
      { find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) },
      ...entries,
    ],
  },
};

const tests: ViteUserConfig = {
  test: {
    pool: 'forks',
    // Two more than there are cores: a test that waits for a lease or a deadline leaves its core to another one. Each worker has
    // a database server of its own, so there are eight at most.
    maxWorkers: Math.min(availableParallelism() + 2, 8),
    coverage: { include: ['server/**', 'plugin/**'] },
    globalSetup: 'test/support/global-setup.ts',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...shared,
        test: {
          testTimeout: 30_000,
          hookTimeout: 60_000,
          name: 'node',
          // Most of what a test makes is garbage when it ends: with more room for it, a fifteenth of the suite's CPU time is saved.
          execArgv: ['--max-semi-space-size=64', '--min-semi-space-size=32'],
          isolate: false,
          setupFiles: 'test/support/fresh-file.ts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
        },
      },
      {
        ...shared,
        test: {
          // A browser, a database and the tests share the machine: a page may take its time.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          name: 'browser',
          isolate: false,
          setupFiles: ['test/support/fresh-file.ts', 'test/e2e/support/close-contexts.ts'],
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/e2e/support/global-setup.ts',
        },
      },
    ],
  },
};

export default defineConfig(({ command }) => (command === 'build' ? dashboard : tests));
