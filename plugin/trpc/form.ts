import { createHash } from 'node:crypto';

/**
 * What two forms are compared by. The boundary is drawn anew for each attempt and a file's time is that of its arrival, so
 * neither counts; nor does the order of fields, but that of values with the same name does.
 */
export async function formContent(form: FormData): Promise<ReadonlyMap<string, unknown>> {
  const names = [...new Set(form.keys())].sort();
  const content = new Map<string, unknown>();
  for (const name of names) {
    const values: unknown[] = [];
    for (const value of form.getAll(name))
      values.push(typeof value === 'string' ? value : await fileContent(value));
    content.set(name, values);
  }
  return content;
}

/** One file at a time, and in pieces: tRPC holds the form in memory already, and a copy would double that. */
async function fileContent(file: File) {
  const { name, type, size } = file;
  const hash = createHash('sha256');
  for await (const piece of file.stream()) hash.update(piece);
  return { name, type, size, sha256: hash.digest('hex') };
}
