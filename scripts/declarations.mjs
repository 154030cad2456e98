// TypeScript rewrites `./x.ts` to `./x.js` in the JavaScript it emits, but not in the declarations.
// Its own resolver forgives that; other readers of declarations need not.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.d.ts')) continue;
  const path = join('dist', file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    text.replace(/\b(from |import |import\(|module )(["'])(\.{1,2}\/[^"']+)\.ts\2/g, '$1$2$3.js$2'),
  );
}
