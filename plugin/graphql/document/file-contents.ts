import { isFile } from '../../../server/engine/canonical-json.ts';
import type { MaybePromise } from '../../../server/engine/maybe-promise.ts';
import { fileContent } from '../../../server/fingerprints/file-content.ts';

/** `FileContents` maps each file to what is compared in its place. */
export type FileContents = ReadonlyMap<object, unknown>;

/** Reads the files in an operation's variables; undefined where they hold none. Each becomes a Map, which no JSON in a file's place can be. */
export function fileContentsIn(variables: unknown): MaybePromise<FileContents | undefined> {
  const files = filesIn(variables);
  return files.size === 0 ? undefined : contentsOf(files);
}

async function contentsOf(files: ReadonlySet<File>): Promise<FileContents> {
  const contents = new Map<object, unknown>();
  for (const file of files) contents.set(file, new Map(Object.entries(await fileContent(file))));
  return contents;
}

/** Finds the files in variables, also inside input objects and lists. It does not recurse: variables may be nested more deeply than the stack goes. */
function filesIn(variables: unknown): ReadonlySet<File> {
  const files = new Set<File>();
  const objects = new Set([variables].filter(isObject));
  // Grows while it is walked.
  for (const value of objects) {
    if (isFile(value)) files.add(value);
    else if (!ArrayBuffer.isView(value))
      for (const child of Object.values(value)) if (isObject(child)) objects.add(child);
  }
  return files;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
