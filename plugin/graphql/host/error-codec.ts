import { GraphQLError, type GraphQLFormattedError, Source } from 'graphql';
import { isObject } from '../../../server/engine/option-checks.ts';
import type { GraphQLStoredError } from '../../../server/formats/graphql.ts';

/** A `Mask` is the host's `maskError`: it makes what is answered instead of an error. */
export type Mask = (error: unknown) => unknown;

/**
 * @param mask what clients get of an unexpected error: that is stored, and is to pass the masker unchanged on a replay.
 * Where it is not known (plain Envelop) the error is rebuilt without its message, for the host to mask again: a host
 * that shows messages, without masking or in development, can not show that one twice.
 */
export function storedError(error: unknown, mask: Mask | undefined): GraphQLStoredError {
  if (isExpected(error)) return ['error', formatted(error)];
  if (!mask && isAnswered(error)) return ['other', error];
  if (!mask) return isGraphQLError(error) ? ['unexpected', withoutMessage(error)] : ['unexpected', {}];
  const masked = mask(error);
  return isGraphQLError(masked) ? ['error', formatted(masked)] : ['other', masked];
}

export function rebuiltError([kind, content]: GraphQLStoredError): unknown {
  switch (kind) {
    case 'error':
      return graphQLError(content);
    case 'unexpected': {
      const message = 'Unexpected error.';
      return graphQLError(
        { ...content, message },
        new Error('Replayed: the first run has reported the error'),
      );
    }
    case 'other':
      return content;
    default:
      kind satisfies never;
      throw new TypeError(`Expected the kind of a stored error, got ${String(kind)}`);
  }
}

function graphQLError(error: GraphQLFormattedError, originalError?: Error): GraphQLError {
  const { message, locations, path, extensions } = error;
  return new GraphQLError(message, { ...placed(locations), path, extensions, originalError });
}

/**
 * A source that has these locations. Maskers make locations anew from `source` and `positions`, and the document of the
 * retry may be laid out in another way than that of the first answer, which is to be repeated.
 */
function placed(locations: GraphQLFormattedError['locations']): { source?: Source; positions?: number[] } {
  if (!locations) return {};
  const lines: string[] = [];
  for (const { line, column } of locations) {
    while (lines.length < line) lines.push('');
    lines[line - 1] = (lines[line - 1] as string).padEnd(column - 1);
  }
  const starts: number[] = [];
  let start = 0;
  for (const line of lines) {
    starts.push(start);
    start += line.length + 1;
  }
  const positions = locations.map(({ line, column }) => (starts[line - 1] as number) + column - 1);
  return { source: new Source(lines.join('\n')), positions };
}

function formatted(error: GraphQLError): GraphQLFormattedError {
  const { locations, path, extensions } = error.toJSON();
  return {
    message: error.message,
    ...(locations && { locations }),
    ...(path && { path }),
    ...(extensions && { extensions }),
  };
}

/** Keeps of an error what maskers look at, without its message. */
function withoutMessage(error: GraphQLError): Omit<GraphQLFormattedError, 'message'> {
  const { message, extensions, ...rest } = formatted(error);
  const { code, http } = extensions ?? {};
  return {
    ...rest,
    extensions: { ...(code !== undefined && { code }), ...(http !== undefined && { http }) },
  };
}

/** Tells, by the rule of Yoga and Envelop, whether an error was meant for clients: it and its causes are GraphQLErrors. */
function isExpected(error: unknown): error is GraphQLError {
  return isGraphQLError(error) && (error.originalError == null || isExpected(error.originalError));
}

/**
 * Tells whether an executor has answered with this error as JSON has it: Mercurius, or another server behind a `fetch`. It is no
 * `Error`, so a masker makes of it again what it made of it the first time.
 */
function isAnswered(error: unknown): boolean {
  return isObject(error) && !(error instanceof Error) && typeof error.message === 'string';
}

function isGraphQLError(error: unknown): error is GraphQLError {
  return error instanceof GraphQLError;
}
