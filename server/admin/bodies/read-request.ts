import type { Document } from '../../mongodb/database.ts';
import { idIs, type Records } from '../collections/records.ts';
import type { CapturedRequest } from '../rerunners/rerunner.ts';
import type { OpenBody } from './body-access.ts';

export interface ReadRequest extends CapturedRequest {
  readonly format: string;
}

/** Reads the captured request of a record, and opens it; undefined where there is none, or nobody can open it. */
export async function readRequest(
  records: Records,
  id: string,
  open: OpenBody,
): Promise<ReadRequest | undefined> {
  const found = await readCaptured(records, id);
  return found && openCaptured(found, open);
}

/** Reads the fields that the captured request of a record is opened with. */
export async function readCaptured(records: Records, id: string): Promise<Document | undefined> {
  const [found] = await records.aggregate([
    { $match: idIs(id) },
    { $project: { scope: 1, key: 1, operation: 1, life: 1, fingerprint: 1, request: 1 } },
  ]);
  return found;
}

/** Opens what `readCaptured` has read; undefined where there is no request, or nobody can open it. */
export async function openCaptured(found: Document, open: OpenBody): Promise<ReadRequest | undefined> {
  const { scope, key, operation, fingerprint, request: stored } = found;
  if (typeof stored !== 'object' || stored === null) return undefined;
  const address = { scope: String(scope), key: String(key) };
  const place = { ...address, life: Number(String(found.life)), part: 'request' } as const;
  const body = await open(stored as Document, place);
  if (body === undefined) return undefined;
  const { format } = stored as Document;
  const bound = typeof fingerprint === 'string' ? { fingerprint } : {};
  return { ...address, operation: String(operation), format: String(format), body, ...bound };
}
