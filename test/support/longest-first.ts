import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const TESTS = resolve(import.meta.dirname, '..');

/**
 * Starts the files that take longest first, so that the run does not end with one of them alone. How long each took is known from
 * the last run; in the first one a file is taken to be as long as its text, with those of `test` that it imports.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const known = ({ project, moduleId }: TestSpecification) =>
      this.ctx.cache.getFileTestResults(`${project.name}:${moduleId.slice(project.config.root.length + 1)}`);
    if (files.every(known)) return super.sort(files);
    const sizes = new Map(files.map((file) => [file, sizeOf(file.moduleId)]));
    const size = (file: TestSpecification) => sizes.get(file) ?? 0;
    return (await super.sort(files)).sort((one, other) => size(other) - size(one));
  }
}

function sizeOf(file: string, counted = new Set<string>()): number {
  if (counted.has(file)) return 0;
  counted.add(file);
  const text = readFileSync(file, 'utf8');
  const imported = [...text.matchAll(/(?:from |import\()'(\.[^']+\.ts)'/g)]
    .map(([, path]) => resolve(file, '..', String(path)))
    .filter((path) => path.startsWith(TESTS) && existsSync(path)); // a text may speak of one that is not there
  return imported.reduce((sum, path) => sum + sizeOf(path, counted), text.length);
}
