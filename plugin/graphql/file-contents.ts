import { isFile } from '../../server/engine/fingerprint.ts';
import { fileContent } from '../../server/file-content.ts';

/** What is compared in place of each file. */
export type FileContents = ReadonlyMap<object, unknown>;

/**
 * Makes something of an operation's variables: at once where they hold no file, as almost all do, else when it is asked
 * for, since the files are to be read first.
 */
export function withFileContents<T>(
  variables: unknown,
  make: (contents?: FileContents) => T,
): () => T | Promise<T> {
  const files = filesIn(variables);
  if (files.size > 0) return async () => make(await contentsOf(files));
  const made = make();
  return () => made;
}

/** In input objects and lists as well. Not by recursion: variables may be nested more deeply than the stack goes. */
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

/** As Maps: no JSON that a client sends in a file's place can be one. */
async function contentsOf(files: ReadonlySet<File>): Promise<FileContents> {
  const contents = new Map<object, unknown>();
  for (const file of files) contents.set(file, new Map(Object.entries(await fileContent(file))));
  return contents;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
