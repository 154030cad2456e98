import { familyOf } from '../../engine/body.ts';
import type { OperatorAction, StoredBody } from '../../engine/record.ts';
import { FORMATS } from '../../formats/formats.ts';
import type { Document } from '../../mongodb/database.ts';
import { readRequest } from '../bodies/read-request.ts';
import type { Records } from '../collections/records.ts';
import { readStored } from '../keys/read-stored.ts';
import { type Rerunner, storedBody } from '../rerunners/rerunner.ts';
import type { ActionServices } from '../services/services.ts';

/** The response that the operator gave can not be stored; the message says why. */
export class UnusableResponse extends Error {}

/** Nothing that is stored says in which form the record is answered. */
export class UnknownFormat extends UnusableResponse {}

const SEARCHED = 10_000;
const LONGEST_REASON = 1_000;

/** A response is stored for this record. */
export interface Subject {
  readonly id: string;
  readonly scope: string;
  readonly key: string;
  readonly life: number;
  /** The captured request has this format; null where there is none. */
  readonly captured: string | null;
}

interface GivenText {
  readonly action: OperatorAction;
  readonly text: string | undefined;
}

type Services = Pick<ActionServices, 'records' | 'rerunners' | 'open' | 'seal'>;

/**
 * Makes the response that `complete` and `fail` store. A rerunner for the format makes it where there is
 * one, since that knows the API; else it has the plain form that the format's codec reads. The other actions store
 * none, and read nothing here.
 * @throws UnusableResponse
 */
export async function givenResponse(
  services: Services,
  given: GivenText,
  subject: Subject,
): Promise<StoredBody | undefined> {
  if (!storesResponse(given.action)) return undefined;
  const { scope, key, life } = subject;
  const sealed = await services.seal({ scope, key, life }, await writeResponse(services, subject, given));
  if (sealed.body === undefined)
    throw new UnusableResponse(`It can not be stored: ${sealed.omitted} (${sealed.bytes} bytes)`);
  return sealed;
}

/** Does the same for a record that was not read yet; undefined where there is none. */
export async function givenResponseFor(
  services: Services,
  given: GivenText,
  id: string,
): Promise<StoredBody | undefined> {
  if (!storesResponse(given.action)) return undefined;
  const stored = await readStored(services.records, id);
  if (!stored) return undefined;
  const { scope, key, life, request } = stored.record;
  const format = (request as { format?: unknown } | null | undefined)?.format;
  const captured = typeof format === 'string' ? format : null;
  const address = { scope: String(scope), key: String(key), life: Number(life) };
  return givenResponse(services, given, { id, ...address, captured });
}

const storesResponse = (action: OperatorAction) => action === 'complete' || action === 'fail';

/**
 * Refuses to store a response in plain text beside bodies that are encrypted.
 * @throws UnusableResponse
 */
export function requireCipher(given: StoredBody | undefined, isEncrypted: boolean): void {
  if (given && isEncrypted && !given.cipher)
    throw new UnusableResponse(
      'Other bodies of this record are encrypted, and there is no cipher here to encrypt this one (option `cipher`, --cipher)',
    );
}

async function writeResponse(
  { records, rerunners, open }: Services,
  { id, captured }: Subject,
  { action, text: given }: GivenText,
): Promise<StoredBody> {
  if (given === undefined || given.trim() === '')
    throw new UnusableResponse(`Expected a ${wantedOf(action)}`);
  const format = captured ?? (await otherFormat(records, id, rerunners));
  const rerunner = rerunners.find((known) => known.format === format);
  const isFailure = action === 'fail';
  const data = isFailure ? undefined : parseJson(given);
  if (!rerunner) return plainResponse(format, isFailure, given);
  try {
    const request = await readRequest(records, id, open);
    const operation = request?.operation ?? (await readOperation(records, id));
    return await rerunner.response(isFailure ? { error: given } : { data, json: given }, operation, request);
  } catch (error) {
    throw new UnusableResponse(error instanceof Error ? error.message : String(error));
  }
}

async function readOperation(records: Records, id: string): Promise<string> {
  const stored = await readStored(records, id);
  return String(stored?.record.operation);
}

const wantedOf = (action: OperatorAction) => (action === 'fail' ? 'message' : 'response as JSON');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnusableResponse('Expected a response as JSON');
  }
}

/** Finds the format where no request was captured: that of the only rerunner, or of other records of the operation. */
async function otherFormat(records: Records, id: string, rerunners: readonly Rerunner[]): Promise<string> {
  const [only] = rerunners;
  if (only && rerunners.length === 1) return only.format;
  const operation = await readOperation(records, id);
  const [found] = await records.aggregate([
    { $sort: { _id: -1 } },
    { $limit: SEARCHED },
    { $match: { operation: { $eq: operation }, 'response.format': { $type: 'string' } } },
    { $limit: 1 },
    { $project: { format: '$response.format' } },
  ]);
  if (found) return familyOf(String((found as Document).format));
  throw new UnknownFormat(
    `No other record says in which form ${operation} is answered: capture its requests, or register one rerunner`,
  );
}

/** Writes the given response without a rerunner. */
function plainResponse(name: string, isFailure: boolean, given: string): StoredBody {
  const format = FORMATS.find((known) => known.name === name);
  if (!format) throw new UnusableResponse(`A rerunner is needed to write responses of the format ${name}`);
  if (isFailure) return storedBody(name, format.givenFailure(given.trim().slice(0, LONGEST_REASON)));
  try {
    return storedBody(name, format.givenSuccess(given));
  } catch (error) {
    throw new UnusableResponse((error as Error).message);
  }
}
