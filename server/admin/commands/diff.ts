import { readBody } from '../bodies/read-body.ts';
import { requireLife } from '../collections/require-life.ts';
import { msOf } from '../collections/rows.ts';
import type { DiffVersion, KeyDetail } from '../contract/contract.ts';
import type { AdminServices } from '../services/services.ts';

/**
 * Reads what can be laid side by side: the request, the response, and the record before and after each action.
 * @param life as the page saw it
 * @throws TRPCError CONFLICT in another life of the key
 */
export async function diffVersions(
  services: AdminServices,
  detail: KeyDetail,
  life: string | undefined,
): Promise<readonly DiffVersion[]> {
  const { id } = detail;
  requireLife(detail.life, life);
  const { records, secrets, open, audit } = services;
  const bodyOf = (part: 'request' | 'response') =>
    readBody(records, id, { life, part, extent: 'beginning', secrets, open });
  const [request, response, actions] = await Promise.all([
    bodyOf('request'),
    bodyOf('response'),
    audit.versions(id),
  ]);
  const texts = [
    { label: 'Request', at: detail.startedAt, text: request?.text ?? null },
    { label: 'Response', at: detail.completedAt, text: response?.text ?? null },
  ];
  return [
    ...texts.flatMap(({ text, ...version }) => (text === null ? [] : [{ ...version, text }])),
    ...actions.flatMap(({ action, at, by, beforeRecord, afterRecord }) => [
      { label: `Before ${action} by ${by}`, at: msOf(at), text: String(beforeRecord) },
      { label: `After ${action} by ${by}`, at: msOf(at), text: String(afterRecord) },
    ]),
    { label: 'Record now', at: detail.now, text: detail.raw },
  ];
}
