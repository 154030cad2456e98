import { writeDown } from '../bodies/write-down.ts';
import type { Encoded, ResultCodec } from '../call.ts';
import { type JsonStoredError, jsonFormat } from '../formats/json.ts';
import { type IsHidden, withoutNames } from '../formats/redact.ts';
import { writeJson } from '../run/write-json.ts';

/** A function that was given to `idempotency.run(...)` has ended: it returned, or threw. */
export type Ended = Returned | { readonly thrown: unknown };

export interface Returned {
  /** What each caller gets, the first one too: what JSON gives back of the value. */
  readonly data: unknown;
  /** The function returned something that JSON can not hold, for this reason. `data` is that as it is. */
  readonly unwritable?: unknown;
}

/** Takes what a function returned, as JSON gives it back. */
export function returned(value: unknown): Returned {
  if (value === undefined) return { data: undefined };
  try {
    const text = writeJson(value);
    if (text === undefined) throw new TypeError(`JSON can not hold a ${typeof value}`);
    return { data: JSON.parse(text) };
  } catch (unwritable) {
    return { data: value, unwritable };
  }
}

/** Writes what a function returned or threw. Only what it returned is known to be an outcome: an error may have come half-way through. */
export const plainCodec: ResultCodec<Ended> = {
  format: jsonFormat.name,

  encode: (ended, isHidden) =>
    'thrown' in ended ? encodedError(ended.thrown) : encodedData(ended, isHidden),

  decode(body) {
    const stored = jsonFormat.readResult(body);
    return 'error' in stored ? { thrown: rebuiltError(stored.error) } : { data: stored.data };
  },

  resolve: (resolution) =>
    resolution.action === 'complete' ? mustBeJson(returned(resolution.data)) : { thrown: resolution.error },
};

function encodedData({ data, unwritable }: Returned, isHidden: IsHidden | undefined): Encoded {
  const write = () => {
    const shown = isHidden ? withoutNames(data, isHidden) : data;
    return { body: jsonFormat.writeResult({ data: shown }), redacted: shown !== data };
  };
  const written = unwritable === undefined ? writeDown(write) : { body: undefined };
  return { outcome: 'success', ...written, started: true, result: data };
}

function encodedError(thrown: unknown): Encoded {
  return {
    outcome: 'error',
    ...writeDown(() => ({ body: jsonFormat.writeResult({ error: storedError(thrown) }) })),
    started: { unknown: 'the function threw' },
    result: thrown,
  };
}

function storedError(thrown: unknown): JsonStoredError {
  if (!(typeof thrown === 'object' && thrown !== null)) return { name: 'Error', message: String(thrown) };
  const { name, message, code } = thrown as Partial<Record<keyof JsonStoredError, unknown>>;
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : '',
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
  };
}

function rebuiltError({ name, message, code }: JsonStoredError): Error {
  const error = Object.defineProperty(new Error(message), 'name', { value: name, configurable: true });
  return code === undefined ? error : Object.assign(error, { code });
}

/** @throws TypeError for a value that JSON can not hold */
export function mustBeJson(ended: Returned): Returned {
  if (ended.unwritable === undefined) return ended;
  const why = ended.unwritable instanceof Error ? `: ${ended.unwritable.message}` : '';
  throw new TypeError(`Expected the function to return what JSON can hold${why}`, {
    cause: ended.unwritable,
  });
}
