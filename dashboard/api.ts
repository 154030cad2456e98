import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import type { AppRouter } from '../server/admin/router.ts';

/** The server puts the mount path into `<base href>`. */
export const basePath = new URL('.', document.baseURI).pathname.replace(/\/$/, '');

// Without batching: the server refuses batches, so that a query is never run along with a mutation.
export const api = createTRPCClient<AppRouter>({
  links: [
    httpLink({
      url: new URL('api/trpc', document.baseURI).href,
      headers: { 'x-latchkey': '1' },
      async fetch(url, options) {
        const response = await fetch(url, options as RequestInit);
        const isOfApi = response.headers.get('content-type')?.startsWith('application/json');
        if (!response.ok && !isOfApi) throw new Refusal(response.status);
        return response;
      },
    }),
  ],
});

/** By what stands in front of the API, a session's check say: it need not answer in the API's form. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`The server answered with status ${status}.`);
    this.status = status;
  }
}

/** The HTTP status of a refusal, undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  return error.cause instanceof Refusal ? error.cause.status : error.data?.httpStatus;
}

/** For the operator. */
export function messageOf(error: unknown): string {
  const status = statusOf(error);
  if (status === 401) return 'Your session has ended. Sign in again, then reload this page.';
  if (status === undefined) return 'The server can not be reached.';
  return error instanceof Error ? error.message : String(error);
}
