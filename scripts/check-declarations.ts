// Prints the declarations of a module that uses the package as installed, `test/types/declared.ts`, by a compiler of choice. A type of
// ours without an exported name can not be printed. It needs the built package.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [compiler = 'typescript'] = process.argv.slice(2);
const ROOT = join(import.meta.dirname, '..');
// Within node_modules the peers are found. It is a copy, since a link would lead the compiler back to files that it may name.
const app = mkdtempSync(join(ROOT, 'node_modules/.declarations-'));
const installed = join(app, 'node_modules/latchkey');

try {
  mkdirSync(installed, { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  cpSync(join(ROOT, 'dist'), join(installed, 'dist'), {
    recursive: true,
    filter: (file) => file.endsWith('.d.ts') || statSync(file).isDirectory(),
  });
  copyFileSync(join(ROOT, 'test/types/declared.ts'), join(app, 'declared.ts'));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  const compilerOptions = {
    ...{ strict: true, module: 'nodenext', target: 'es2023', types: ['node'], skipLibCheck: true },
    ...{ declaration: true, emitDeclarationOnly: true, outDir: 'out' },
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['declared.ts'] }));
  const tsc = join(ROOT, `node_modules/${compiler}/bin/tsc`);
  execFileSync(process.execPath, [tsc, '-p', app], { stdio: 'inherit' });
  console.log(`${compiler} printed the declarations of a module that uses the package`);
} catch {
  process.exitCode = 1;
} finally {
  rmSync(app, { recursive: true });
}
