import { fileContent } from '../../server/fingerprints/file-content.ts';

/**
 * Makes of a form what it is compared by. Clients make a new boundary for each attempt, so it does not count; nor does the order
 * of fields, but that of values with the same name does.
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
