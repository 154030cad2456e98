import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import type { AppRouter } from '../server/admin/router.ts';

/** The server puts the mount path into `<base href>`. */
export const basePath = new URL('.', document.baseURI).pathname.replace(/\/$/, '');

// Without batching: the server refuses batches, so that a query is never run along with a mutation.
export const api = createTRPCClient<AppRouter>({
  links: [httpLink({ url: new URL('api/trpc', document.baseURI).href, headers: { 'x-latchkey': '1' } })],
});

/** The HTTP status of a refusal, undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof TRPCClientError)) return undefined;
  // What stands in front of the API, a session's check say, need not answer in its form.
  const response = error.meta?.response as Response | undefined;
  return error.data?.httpStatus ?? response?.status;
}

/** For the operator. */
export function messageOf(error: unknown): string {
  const status = statusOf(error);
  if (status === 401) return 'Your session has ended. Sign in again, then reload this page.';
  if (status === undefined) return 'The server can not be reached.';
  const ofApi = error instanceof TRPCClientError && error.data;
  return ofApi ? error.message : `The server answered with status ${status}.`;
}
