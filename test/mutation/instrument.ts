import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Stryker's instrumenter makes the mutants. It is not among the dependencies of the repository, which nobody else needs it for. */
const INSTRUMENTER = '@stryker-mutator/instrumenter';
const VERSION = '9.6.1';
const FOLDER = resolve('node_modules/.mutate');
const SHIM = resolve('test/mutation/vitest-shim.ts');

/** A mutant is a small change of the sources that some test should notice. */
export interface Mutant {
  readonly id: string;
  readonly fileName: string;
  readonly mutatorName: string;
  readonly replacement: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
  /** It is not played, for this reason. */
  readonly statusReason?: string;
  readonly status?: 'Ignored';
}

interface Node {
  readonly type: string;
  readonly test?: Node | null;
  readonly consequent?: readonly (Node & { readonly argument?: Node; readonly expression?: Node })[];
  readonly typeAnnotation?: Node;
}

/** TypeScript has proved that no value gets there: `default: return kind satisfies never`. */
function isUnreachable({ type, test, consequent = [] }: Node): boolean {
  const [statement] = Array.isArray(consequent) ? consequent : [];
  const value = statement?.argument ?? statement?.expression;
  return type === 'SwitchCase' && test === null && value?.typeAnnotation?.type === 'TSNeverKeyword';
}

const OPTIONS = {
  plugins: null,
  // Texts: a message may change.
  excludedMutations: ['StringLiteral'],
  ignorers: [
    { shouldIgnore: ({ node }: { node: Node }) => (isUnreachable(node) ? 'unreachable' : undefined) },
  ],
};

const silent = { debug() {}, info() {}, isDebugEnabled: () => false };

async function instrumenter() {
  const folder = join(FOLDER, 'node_modules', INSTRUMENTER);
  if (!existsSync(folder)) {
    mkdirSync(FOLDER, { recursive: true });
    const args = [
      'install',
      '--prefix',
      FOLDER,
      '--no-save',
      '--no-audit',
      '--no-fund',
      `${INSTRUMENTER}@${VERSION}`,
    ];
    execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const { Instrumenter } = await import(pathToFileURL(join(folder, 'dist/src/index.js')).href);
  return new Instrumenter(silent);
}

/** The TypeScript files of folders, or the files themselves. */
export function filesIn(paths: readonly string[], suffix = '.ts'): string[] {
  return paths.flatMap((path) =>
    path.endsWith('.ts')
      ? [path]
      : readdirSync(path, { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith(suffix))
          .map((file) => join(path, file))
          .sort(),
  );
}

/** Puts all mutants of some sources, and the tests that are to notice them, into one module. A switch at run time says which mutant is there. */
export async function bundleOf(sources: readonly string[], tests: readonly string[], name: string) {
  const files = sources.map((file) => ({
    name: resolve(file),
    mutate: true,
    content: readFileSync(file, 'utf8'),
  }));
  const instrumented = await (await instrumenter()).instrument(files, OPTIONS);
  const contents = new Map<string, string>(
    instrumented.files.map((file: (typeof files)[0]) => [file.name, file.content]),
  );
  const outfile = join(FOLDER, `${name}.mjs`);
  const imports = tests.map((file) => `import ${JSON.stringify(resolve(file))};`);
  await build({
    stdin: {
      contents: [...imports, `export { tests } from ${JSON.stringify(SHIM)};`].join('\n'),
      resolveDir: '.',
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // The package says that its modules have no side effects. Those of tests have.
    ignoreAnnotations: true,
    logLevel: 'error',
    plugins: [
      {
        name: 'mutants',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^vitest$/ }, () => ({ path: SHIM }));
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents_ = contents.get(path);
            return contents_ === undefined ? undefined : { contents: contents_, loader: 'ts' };
          });
        },
      },
    ],
  });
  return { bundle: pathToFileURL(outfile).href, mutants: instrumented.mutants as readonly Mutant[] };
}
