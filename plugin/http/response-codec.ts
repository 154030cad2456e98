import { isUtf8 } from 'node:buffer';
import { written } from '../../server/bodies/written.ts';
import type { ResultCodec, Written } from '../../server/call.ts';
import type { Hides } from '../../server/redact.ts';
import { type Handled, type Held, httpResponse, isHeld, outcomeOf, resultOf } from './handled.ts';
import { problemOf } from './problem.ts';
import { contentOf, redactedContent } from './redacted-content.ts';
import { headersToStore } from './stored-headers.ts';

/** A stored response has `text` or `base64`, and neither when it has no body. */
interface Stored {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Bytes that are UTF-8, so that an operator can read them. */
  readonly text?: string;
  readonly base64?: string;
}

/** Makes the codec of `http/1`: status, chosen headers and body as JSON. */
export function createResponseCodec(headerNames: readonly string[]): ResultCodec<Handled> {
  return {
    format: 'http/1',

    encode: (handled, hides) => ({
      outcome: outcomeOf(handled),
      ...written(() => bodyToStore(handled, headerNames, hides)),
      started: true,
      result: resultOf(handled),
    }),

    decode(body) {
      const { status, statusText = '', headers, text, base64 } = JSON.parse(body) as Stored;
      if (!Number.isInteger(status) || !Array.isArray(headers))
        throw new TypeError('Expected a stored response to have a status and headers');
      const bytes = base64 === undefined ? text : Buffer.from(base64, 'base64');
      return httpResponse(bytes ?? null, { status, statusText, headers: headers as [string, string][] });
    },

    resolve(resolution) {
      const given = resolution.action === 'complete' ? resolution.data : resolution.error;
      if (isHeld(given)) return given;
      if (resolution.action === 'fail') return json(problemOf(given), 'application/problem+json');
      return given === undefined ? httpResponse(null, { status: 204 }) : json({ status: 200, body: given });
    },
  };
}

function bodyToStore(handled: Handled, headerNames: readonly string[], hides: Hides | undefined): Written {
  switch (handled.kind) {
    case 'thrown':
      return { body: undefined };
    case 'passing':
      return { body: undefined, ...(handled.seen && { omitted: 'too_large' }) };
    case 'held': {
      const { status, statusText, headers } = handled.response;
      const { bytes, redacted } = redactedContent(contentOf(handled.body, headers), hides);
      const stored: Stored = {
        status,
        ...(statusText && { statusText }),
        headers: headersToStore(headers, headerNames),
        ...asText(bytes),
      };
      return { body: JSON.stringify(stored), redacted };
    }
    default:
      return handled satisfies never;
  }
}

export function asText(body: Buffer | null): Pick<Stored, 'text' | 'base64'> {
  if (body === null) return {};
  return isUtf8(body) ? { text: body.toString() } : { base64: body.toString('base64') };
}

function json({ status, body }: { status: number; body: unknown }, type = 'application/json'): Held {
  return httpResponse(JSON.stringify(body), { status, headers: { 'content-type': type } });
}
