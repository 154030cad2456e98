import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
// The tests of the page, which run here.
import '../../examples/testing/payments.vitest.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${ROOT}docs/testing.md`, 'utf8');
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

const run = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', ...args], {
    cwd: ROOT,
    env,
  });
  return stdout;
};

/** Strips code of what differs between a page and a file: semicolons, spaces, and where the package and the application are. */
const bare = (code: string) =>
  code
    .replaceAll(/'\.\.\/\.\.\/(?:server|plugin)\/(?:(\w+)\/)?index\.ts'/g, (_, entry) =>
      entry ? `'latchkey/${entry}'` : "'latchkey'",
    )
    .replaceAll(/^import .* from '\.\/.*';?\n/gm, '')
    .replaceAll(/[;,]?\s+/g, ' ')
    .trim();

test.each(['app.ts', 'payments.vitest.ts', 'payments.node-test.ts', 'audit.ts'])(
  'docs/testing.md shows examples/testing/%s as it runs',
  (file) => {
    const blocks = Array.from(page.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code = '']) => bare(code));
    expect(blocks).toContain(bare(readFileSync(`${ROOT}examples/testing/${file}`, 'utf8')));
  },
);

test('the page shows the report that its audit prints', async () => {
  const withoutTime = (text: string) => text.replace(/\d+\.\d s\)/, 's)').trim();
  const shown = Array.from(page.matchAll(/^```text\n([\s\S]*?)^```$/gm), ([, text = '']) =>
    withoutTime(text),
  );
  expect(shown).toContain(withoutTime(await run('examples/testing/audit.ts')));
});

test("the page's test for the runner of Node.js runs there", async () => {
  const tap = await run('--test', '--test-reporter=tap', 'examples/testing/payments.node-test.ts');
  expect(tap).toMatch(/^# pass 1$/m);
});
