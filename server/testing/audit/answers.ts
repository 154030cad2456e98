import { isDeepStrictEqual } from 'node:util';

/** An `Answer` is what a send ended with. */
export type Answer = { readonly value: unknown } | { readonly error: unknown };

const REFUSING = [400, 401, 403, 409, 410, 422, 428, 503];
const STATUS_FIELDS = ['status', 'statusCode', 'httpStatus'];
const MOST_OBJECTS = 1_000;

/** Waits for what a `send` returned. A `Response` is read: its status, and its body as JSON where it is some. */
export async function answerOf(sent: Promise<unknown>): Promise<Answer> {
  try {
    const value = await sent;
    if (!(value instanceof Response)) return { value };
    const text = await value.text();
    return { value: { status: value.status, body: parsed(text) } };
  } catch (error) {
    return { error };
  }
}

/** Takes of an answer what a report shows. */
export function shownAnswer(answer: Answer): unknown {
  return 'value' in answer ? answer.value : answer.error;
}

export function isSame(one: Answer, other: Answer): boolean {
  return isDeepStrictEqual(comparable(one), comparable(other));
}

/** Finds the code of Latchkey in an answer, wherever an adapter or a client puts it. */
export function codeIn(answer: unknown): string | undefined {
  return find(
    answer,
    (name, value) => name === 'code' && /^IDEMPOTENCY_[A-Z_]+$/.test(String(value)),
  )?.toString();
}

/** Tells whether an answer refuses the request, by a code of Latchkey or by its status. */
export function refuses(answer: unknown): boolean {
  const refusing = find(
    answer,
    (name, value) => STATUS_FIELDS.includes(name) && REFUSING.includes(value as number),
  );
  return codeIn(answer) !== undefined || refusing !== undefined;
}

function comparable(answer: Answer): unknown {
  if ('value' in answer) return answer;
  const { error } = answer;
  if (!(error instanceof Error)) return answer;
  return { error: { name: error.name, message: error.message, code: codeIn(error) } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Finds the value of a field, the nearest first. Errors of clients hold requests and sockets: each object is looked at once. */
function find(within: unknown, is: (name: string, value: unknown) => boolean): unknown {
  const seen = new Set<object>();
  const next: unknown[] = [within];
  for (const value of next) {
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    if (seen.size === MOST_OBJECTS) return undefined;
    seen.add(value);
    for (const [name, { value: field }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
      if (is(name, field)) return field;
      next.push(field);
    }
  }
  return undefined;
}
