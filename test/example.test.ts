import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { mongoUri } from './support/database.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

it('the example shop charges once for each API, and says so with its exit code', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'examples/shop/main.ts', '--once'],
    {
      cwd: root,
      env: { ...process.env, MONGODB_URI: mongoUri() },
    },
  );
  expect(stdout.match(/✓ counts the charges +1$/gm)).toHaveLength(2);
  expect(stdout).not.toContain('✗');
});
