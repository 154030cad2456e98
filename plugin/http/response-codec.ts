import { writeDown } from '../../server/bodies/write-down.ts';
import type { ResultCodec, Written } from '../../server/call.ts';
import { httpFormat } from '../../server/formats/http.ts';
import type { IsHidden } from '../../server/formats/redact.ts';
import {
  type BufferedResponse,
  type Handled,
  httpResponse,
  isBuffered,
  outcomeOf,
  resultOf,
} from './handled.ts';
import { problemOf } from './problem.ts';
import { contentOf, redactContent } from './redacted-content.ts';
import { readContent, writeContent } from './stored-content.ts';
import { headersToStore } from './stored-headers.ts';

/** Makes the codec of responses, with the headers of these names. */
export function createResponseCodec(headerNames: readonly string[]): ResultCodec<Handled> {
  return {
    format: httpFormat.name,

    encode: (handled, isHidden) => ({
      outcome: outcomeOf(handled),
      ...writeDown(() => bodyToStore(handled, headerNames, isHidden)),
      started: true,
      result: resultOf(handled),
    }),

    decode(body) {
      const { status, statusText = '', headers, ...content } = httpFormat.readResult(body);
      // `Headers` checks them here and now: a server may have a `Response` of its own that does so later, or never.
      return httpResponse(readContent(content), {
        status,
        statusText,
        headers: new Headers(headers as [string, string][]),
      });
    },

    resolve(resolution) {
      const given = resolution.action === 'complete' ? resolution.data : resolution.error;
      if (isBuffered(given)) return given;
      if (resolution.action === 'fail') return json(problemOf(given), 'application/problem+json');
      return given === undefined ? httpResponse(null, { status: 204 }) : json({ status: 200, body: given });
    },
  };
}

function bodyToStore(
  handled: Handled,
  headerNames: readonly string[],
  isHidden: IsHidden | undefined,
): Written {
  switch (handled.kind) {
    case 'thrown':
      return { body: undefined };
    case 'passing':
      return { body: undefined, ...(handled.seen && { omitted: 'too_large' }) };
    case 'buffered': {
      const { status, statusText, headers } = handled.response;
      const { bytes, redacted } = redactContent(contentOf(handled.body, headers), isHidden);
      const body = httpFormat.writeResult({
        status,
        ...(statusText && { statusText }),
        headers: headersToStore(headers, headerNames),
        ...writeContent(bytes),
      });
      return { body, redacted };
    }
    default:
      return handled satisfies never;
  }
}

function json(
  { status, body }: { status: number; body: unknown },
  type = 'application/json',
): BufferedResponse {
  return httpResponse(JSON.stringify(body), { status, headers: { 'content-type': type } });
}
