import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import type { AppRouter } from '../server/admin/api/router.ts';

/** The base path is the mount path, which the server puts into `<base href>`. */
export const basePath = new URL('.', document.baseURI).pathname.replace(/\/$/, '');

// The client sends no batches: the server refuses them, so that a query is never run along with a mutation.
export const api = createTRPCClient<AppRouter>({
  links: [
    httpLink({
      url: new URL('api/trpc', document.baseURI).href,
      headers: { 'x-latchkey': '1' },
      fetch: fetchAnswer,
    }),
  ],
});

async function fetchAnswer(url: RequestInfo | URL | string, options?: unknown): Promise<Response> {
  const response = await fetch(url, options as RequestInit).catch((error) => {
    throw new Unreachable('The server can not be reached.', { cause: error });
  });
  const isOfApi = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  if (!isOfApi) throw new ForeignAnswer(response.status);
  return response;
}

/** The server gave no answer. */
class Unreachable extends Error {}

/**
 * Something in front of the API gave the answer, a check of the session say: it need not answer in the API's form.
 */
class ForeignAnswer extends Error {
  readonly status: number;

  constructor(status: number) {
    super(
      status < 400
        ? 'Something other than the dashboard answered. Your session may have ended: reload this page.'
        : `The server answered with status ${status}.`,
    );
    this.status = status;
  }
}

/** Reads the HTTP status of an answer that was a refusal; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  return error.cause instanceof ForeignAnswer ? error.cause.status : error.data?.httpStatus;
}

/** Tells whether asking again may help: nobody answered, or somebody who is busy. */
export function mayPass(error: unknown): boolean {
  const isUnreachable = error instanceof TRPCClientError && error.cause instanceof Unreachable;
  return isUnreachable || (statusOf(error) ?? 0) >= 502;
}

/**
 * Words an error for the operator. An error that is neither an answer nor the lack of one is a fault of this page,
 * and is called that.
 */
export function messageOf(error: unknown): string {
  const status = statusOf(error);
  if (status === 401) return 'Your session has ended. Sign in again, then reload this page.';
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof TRPCClientError)) return `This page has a fault: ${message}`;
  return status !== undefined || error.cause instanceof Unreachable
    ? message
    : `The answer of the server can not be understood: ${message}`;
}
