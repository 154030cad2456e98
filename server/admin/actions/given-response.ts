import { familyOf } from '../../engine/body.ts';
import type { KeyRecord, OperatorAction, StoredBody, StoredRecord } from '../../engine/record.ts';
import { FORMATS } from '../../formats/formats.ts';
import type { Document } from '../../mongodb/database.ts';
import { readRequest } from '../bodies/bodies.ts';
import type { Records } from '../collections/records.ts';
import { readStored } from '../keys/read-stored.ts';
import { type Replayer, storedBody } from '../replayer.ts';
import type { AdminServices } from '../services.ts';

/** The response that the operator gave can not be stored; the message says why. */
export class UnusableResponse extends Error {}

const SEARCHED = 10_000;
const LONGEST_REASON = 1_000;

interface GivenText {
  /** The id is that of the record. */
  readonly id: string;
  readonly action: OperatorAction;
  readonly text: string | undefined;
}

/**
 * Makes the response that `mark_completed` and `mark_failed` store. A replayer for the format makes it where there is
 * one, since that knows the API; else it has the plain form that the format's codec reads. The other actions store
 * none, and read nothing here.
 * @throws UnusableResponse
 */
export async function givenResponse(
  services: Pick<AdminServices, 'records' | 'replayers' | 'open' | 'seal'>,
  { id, action, text }: GivenText,
): Promise<StoredBody | undefined> {
  if (action !== 'mark_completed' && action !== 'mark_failed') return undefined;
  const stored = await readStored(services.records, id);
  if (!stored) return undefined;
  const { record, isEncrypted } = stored;
  const given = await writeResponse(services, record, { id, action, text });
  const { scope, key, life } = record as unknown as KeyRecord;
  const sealed = await services.seal({ scope, key, life }, given);
  if (sealed.body === undefined)
    throw new UnusableResponse(`It can not be stored: ${sealed.omitted} (${sealed.bytes} bytes)`);
  if (isEncrypted && !sealed.cipher)
    throw new UnusableResponse(
      'Other bodies of this record are encrypted, and there is no cipher here to encrypt this one (option `cipher`, --cipher)',
    );
  return sealed;
}

async function writeResponse(
  { records, replayers, open }: Pick<AdminServices, 'records' | 'replayers' | 'open'>,
  record: StoredRecord,
  { id, action, text: given }: GivenText,
): Promise<StoredBody> {
  if (given === undefined || given.trim() === '')
    throw new UnusableResponse(`Expected a ${wantedOf(action)}`);
  const operation = String(record.operation);
  const format = await formatOf(records, record, operation, replayers);
  const replayer = replayers.find((known) => known.format === format);
  const isFailure = action === 'mark_failed';
  const data = isFailure ? undefined : parsed(given);
  if (!replayer) return plainResponse(format, isFailure, given);
  try {
    const request = await readRequest(records, id, open);
    return await replayer.response(isFailure ? { error: given } : { data }, operation, request);
  } catch (error) {
    throw new UnusableResponse(error instanceof Error ? error.message : String(error));
  }
}

const wantedOf = (action: OperatorAction) => (action === 'mark_failed' ? 'message' : 'response as JSON');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnusableResponse('Expected a response as JSON');
  }
}

/**
 * Finds the format of the response: that of the captured request; else that of the only replayer, or of other records
 * of the operation.
 */
async function formatOf(
  records: Records,
  record: StoredRecord,
  operation: string,
  replayers: readonly Replayer[],
): Promise<string> {
  const captured = (record.request as { format?: unknown } | null | undefined)?.format;
  if (typeof captured === 'string') return captured;
  const [only] = replayers;
  if (only && replayers.length === 1) return only.format;
  const [found] = await records.aggregate([
    { $sort: { _id: -1 } },
    { $limit: SEARCHED },
    { $match: { operation: { $eq: operation }, 'response.format': { $type: 'string' } } },
    { $limit: 1 },
    { $project: { format: '$response.format' } },
  ]);
  if (found) return familyOf(String((found as Document).format));
  throw new UnusableResponse(
    `No other record says in which form ${operation} is answered: capture its requests, or register one replayer`,
  );
}

/** Writes the given response without a replayer. */
function plainResponse(name: string, isFailure: boolean, given: string): StoredBody {
  const format = FORMATS.find((known) => known.name === name);
  if (!format) throw new UnusableResponse(`A replayer is needed to write responses of the format ${name}`);
  if (isFailure) return storedBody(name, format.givenFailure(given.trim().slice(0, LONGEST_REASON)));
  try {
    return storedBody(name, format.givenSuccess(given));
  } catch (error) {
    throw new UnusableResponse((error as Error).message);
  }
}
