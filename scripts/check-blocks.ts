// Compiles each TypeScript and JavaScript block of README and of the docs under `strict`, as a module of its own beside
// docs/names.ts, by a compiler of choice: `tsx scripts/check-blocks.ts typescript59`. A block that has to be a fragment says so in
// its info string ("```ts fragment"), and is left out; there are few.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [compiler = 'typescript'] = process.argv.slice(2);
const MOST_FRAGMENTS = 3;
const ROOT = join(import.meta.dirname, '..');
const SCRATCH = join(ROOT, 'node_modules/.cache/blocks');
const BLOCK = /^( *)```(tsx?|js)(?: (.*))?\n([\s\S]*?)^\1```$/gm;

interface Block {
  readonly page: string;
  /** The line of the page on which its code begins, from 1. */
  readonly line: number;
  readonly language: string;
  readonly info: string;
  readonly code: string;
}

const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
const blocks = pages.flatMap(blocksOf);
const fragments = blocks.filter(({ info }) => info === 'fragment');
const modules = blocks.filter((block) => !fragments.includes(block));

rmSync(SCRATCH, { recursive: true, force: true });
for (const { page, line, language, code } of modules) {
  const file = join(SCRATCH, `${page}@${line}.${language}`);
  mkdirSync(join(file, '..'), { recursive: true });
  // It stands on the page's own lines, so that the compiler's messages name them.
  writeFileSync(file, '\n'.repeat(line - 1) + code);
}
writeFileSync(join(SCRATCH, 'package.json'), JSON.stringify({ type: 'module' }));
writeFileSync(join(SCRATCH, 'tsconfig.json'), JSON.stringify(tsconfig()));

const tsc = join(ROOT, `node_modules/${compiler}/bin/tsc`);
const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', SCRATCH, '--pretty', 'false'], {
  cwd: SCRATCH,
  encoding: 'utf8',
});
process.stdout.write(stdout.replaceAll(/^(\S+\.md)@\d+\.\w+\((\d+),(\d+)\)/gm, '$1:$2:$3'));
if (status === 0)
  console.log(`${compiler} compiled ${modules.length} blocks of README and docs under strict`);
else process.exitCode = 1;

if (fragments.length > MOST_FRAGMENTS) {
  const places = fragments.map(({ page, line }) => `${page}:${line}`).join(', ');
  console.log(`Expected at most ${MOST_FRAGMENTS} fragments, got ${fragments.length}: ${places}`);
  process.exitCode = 1;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return Array.from(text.matchAll(BLOCK), ({ index, 2: language = '', 3: info = '', 4: code = '' }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    language,
    info,
    code,
  }));
}

/** The package's entries are its sources here: nothing has to be built before a page is checked. */
function tsconfig() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  const paths = Object.entries(exports).flatMap(([entry, target]) =>
    typeof target === 'string'
      ? []
      : [
          [
            entry.replace('.', 'latchkey'),
            [join(ROOT, target.types.replace('dist/', '').replace('.d.ts', '.ts'))],
          ],
        ],
  );
  return {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      lib: ['ES2023', 'ES2024.String', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
      moduleDetection: 'force',
      jsx: 'react-jsx',
      checkJs: true,
      erasableSyntaxOnly: false,
      verbatimModuleSyntax: false,
      experimentalDecorators: true, // of Nest
      rootDir: ROOT,
      types: ['node', 'express'],
      paths: Object.fromEntries(paths),
    },
    include: ['.', join(ROOT, 'docs/names.ts')],
    exclude: [],
  };
}
