import { type Answer, read, type Shop } from './support.ts';

interface Operation {
  readonly query: string;
  /** Files among them are sent as the GraphQL multipart request specification has it. */
  readonly variables: Record<string, unknown>;
  readonly extensions?: object;
}

/** Sends one operation, or an array, as a form: each time with a boundary of its own, as clients do. */
export async function upload(
  shop: Shop,
  operations: Operation | readonly Operation[],
  headers: Record<string, string> = {},
): Promise<Answer> {
  return read(await fetch(shop.url, { method: 'POST', headers, body: formOf(operations) }));
}

export function formOf(operations: Operation | readonly Operation[]): FormData {
  const places = new Map<File, string[]>();
  const withoutFiles = take(operations, []);
  const form = new FormData();
  form.set('operations', JSON.stringify(withoutFiles));
  form.set('map', JSON.stringify(Object.fromEntries([...places.values()].entries())));
  for (const [index, file] of [...places.keys()].entries()) form.set(String(index), file);
  return form;

  function take(value: unknown, path: readonly string[]): unknown {
    if (value instanceof File) {
      places.set(value, [...(places.get(value) ?? []), path.join('.')]);
      return null;
    }
    if (Array.isArray(value)) return value.map((item, index) => take(item, [...path, String(index)]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, take(item, [...path, name])]),
    );
  }
}
