import { TRPCError } from '@trpc/server';
import type { Part } from '../bodies/body-access.ts';
import { readBody } from '../bodies/read-body.ts';
import { addEntry } from '../collections/entries.ts';
import { requireLife } from '../collections/require-life.ts';
import type { BodyText, KeyDetail } from '../contract/contract.ts';
import type { Operator } from '../contract/operator.ts';
import type { AdminServices } from '../services/services.ts';

interface Reveal {
  readonly key: KeyDetail;
  /** The life is that of the record as the page saw it. */
  readonly life?: string;
  readonly part: Part;
  readonly reason: string;
  readonly commandKey: string;
}

/** Shows a body with its secrets; who asked for it and why is in the audit before anything is shown. */
export async function reveal(
  services: AdminServices,
  operator: Operator,
  { key: detail, life, part, reason, commandKey }: Reveal,
): Promise<BodyText> {
  const { id, scope, key } = detail;
  requireLife(detail.life, life);
  await addEntry(services, operator, {
    action: 'reveal',
    reason,
    commandKey,
    note: `The ${part} was shown with its secrets.`,
    command: part,
    keyId: id,
    scope,
    key,
  });
  const body = await readBody(services.records, id, {
    life,
    part,
    extent: 'revealed',
    secrets: undefined,
    open: services.open,
  });
  if (!body) throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such key' });
  return body;
}
