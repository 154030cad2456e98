import { fieldsOf } from './error-summary.ts';
import type { Format } from './format.ts';

export interface HttpRequest extends HttpContent {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: HttpHeaders;
}

export interface HttpResponse extends HttpContent {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: HttpHeaders;
}

/** The headers that were chosen, each as it was sent. */
export type HttpHeaders = readonly (readonly [name: string, value: string])[];

/** The content of a request or response has `text` or `base64`, and neither when there is none. */
export interface HttpContent {
  /** Bytes that are UTF-8, so that an operator can read them. */
  readonly text?: string;
  readonly base64?: string;
}

const LONGEST_MESSAGE = 300;
/** Responses of these statuses have no content, by the Fetch standard. */
const WITHOUT_CONTENT: readonly number[] = [204, 205, 304];

/** Bodies of HTTP are JSON of what was sent: the start, chosen headers, and the content. */
export const httpFormat = {
  name: 'http/1',

  writeRequest: (request: HttpRequest): string => JSON.stringify(request),

  writeResult: (response: HttpResponse): string => JSON.stringify(response),

  /** @throws for what is damaged */
  readRequest(text: string): HttpRequest {
    const request = JSON.parse(text) as HttpRequest;
    const { method, path, headers } = request;
    if (
      typeof method !== 'string' ||
      typeof path !== 'string' ||
      !path.startsWith('/') ||
      !Array.isArray(headers)
    )
      throw new TypeError('Expected a captured request to have a method, a path and headers');
    return request;
  },

  /** @throws for what is damaged */
  readResult(text: string): HttpResponse {
    const response = JSON.parse(text) as HttpResponse;
    const { status, headers, text: written, base64 } = response;
    if (!(Number.isInteger(status) && status >= 200 && status <= 599) || !Array.isArray(headers))
      throw new TypeError('Expected a stored response to have a status and headers');
    if (WITHOUT_CONTENT.includes(status) && (written ?? base64) !== undefined)
      throw new TypeError(`Expected a stored response of status ${status} to have no content`);
    return response;
  },

  givenSuccess: (json): string =>
    httpFormat.writeResult({ status: 200, headers: [['content-type', 'application/json']], text: json }),

  givenFailure: (message): string =>
    httpFormat.writeResult({
      status: 500,
      headers: [['content-type', 'application/problem+json']],
      text: JSON.stringify({ title: message, status: 500 }),
    }),

  errorsIn(body) {
    const { status, text } = fieldsOf(body);
    if (typeof status !== 'number') return undefined;
    const message = typeof text === 'string' ? text.slice(0, LONGEST_MESSAGE) : `Status ${status}`;
    return [{ message, code: String(status), path: null }];
  },
} as const satisfies Format & Record<string, unknown>;
