import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { constants, createInflate, deflate, inflate } from 'node:zlib';
import type { Written } from '../call.ts';
import type { Address } from '../engine/address.ts';
import type { ReadableBody } from '../engine/body.ts';
import { CIPHER_LIMIT_MS, type Cipher, type Ciphertext } from '../engine/cipher.ts';
import { refusal } from '../engine/errors.ts';
import { andThen, type MaybePromise } from '../engine/maybe-promise.ts';
import type { ResolvedPolicy } from '../engine/policy.ts';
import type { StoredBody } from '../engine/record.ts';
import { redactBody } from './redaction.ts';

/** A `BodyPlace` names one body of one record. An encrypted body can be read back from its own place only. */
export type BodyPlace = Address & { readonly format: string } & (
    | { readonly part: 'response'; readonly life: number }
    | { readonly part: { readonly step: string }; readonly life: number }
    /** A request has no life: it is sealed before the claim, which decides in which life it will be. */
    | { readonly part: 'request' }
  );

export type Sealing = Pick<ResolvedPolicy, 'cipher' | 'compressAboveBytes'> & {
  /** The body may have so many bytes as it is stored in the end. */
  readonly maxBytes: number;
  /** True when something was removed from the body. */
  readonly isRedacted?: boolean;
};

/** A larger text is not stored, even if it is small when compressed: it has to fit into memory when it is read back. */
const MAX_TEXT_BYTES = 64 * 1_048_576;

const compress = promisify(deflate);
const expand = promisify(inflate);

/** Redacts and seals a result or a request. Values of steps are never redacted. @throws whatever the developer's `cipher` or `redact` throws */
export function sealContent(
  { body, redacted: wasRedacted = false, omitted }: Written,
  place: Extract<BodyPlace, { part: 'request' | 'response' }>,
  { redact, cipher, compressAboveBytes }: ResolvedPolicy,
  maxBytes: number,
): MaybePromise<StoredBody> {
  const { format, part } = place;
  if (body === undefined) return { format, bytes: 0, omitted: omitted ?? 'unserializable' };
  return andThen(redactBody(body, redact, part), ({ text, changed }) => {
    if (text === undefined) return { format, bytes: 0, omitted: 'redacted' };
    const isRedacted = wasRedacted || changed;
    return sealBody(text, place, { cipher, compressAboveBytes, maxBytes, isRedacted });
  });
}

/** Seals a text: compresses it, then encrypts it. A body that is too large then is left out. @throws whatever `cipher` throws */
export function sealBody(text: string, place: BodyPlace, sealing: Sealing): MaybePromise<StoredBody> {
  const { cipher, compressAboveBytes, maxBytes, isRedacted = false } = sealing;
  const { format } = place;
  // UTF-8 has no lone surrogates: another text would be read back.
  if (!text.isWellFormed()) return { format, bytes: 0, omitted: 'unserializable' };
  const length = Buffer.byteLength(text);
  if (length > MAX_TEXT_BYTES) return tooLarge(format, length);
  const asText = (): StoredBody =>
    length > maxBytes
      ? tooLarge(format, length)
      : { format, body: text, bytes: length, ...(isRedacted && { omitted: 'redacted' }) };
  if (compressAboveBytes !== null && length > compressAboveBytes)
    return packText(text, length, cipher !== null).then((packed) =>
      packed || cipher
        ? sealBytes(packed ?? Buffer.from(text), packed !== undefined, place, sealing)
        : asText(),
    );
  return cipher ? sealBytes(Buffer.from(text), false, place, sealing) : asText();
}

/** Seals the bytes of a text, which are compressed, or are to be encrypted, or both. */
async function sealBytes(
  plain: Uint8Array,
  isPacked: boolean,
  place: BodyPlace,
  { cipher, maxBytes, isRedacted = false }: Sealing,
): Promise<StoredBody> {
  const { format } = place;
  // No cipher makes it shorter.
  if (base64Length(plain.length) > maxBytes) return tooLarge(format, base64Length(plain.length));
  const context = contextOf(place, isPacked ? 'deflate' : undefined, isRedacted);
  const sealed = cipher && (await encrypt(cipher, plain, context));
  const body = Buffer.from(sealed?.bytes ?? plain).toString('base64');
  if (body.length > maxBytes) return tooLarge(format, body.length);
  return {
    format,
    body,
    bytes: body.length,
    ...(isRedacted && { omitted: 'redacted' }),
    ...(isPacked && { encoding: 'deflate' }),
    ...(sealed && { cipher: namesOf(sealed) }),
  };
}

/**
 * Opens a stored body: decrypts and expands its text.
 * @param mostBytes when only the beginning is asked for: about so many bytes of the text. Nothing behind them is expanded,
 *   and so the body may be cut off behind them
 * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED: `damaged`, `no_cipher`, or `undecipherable` (unknown key, or not what was
 *   encrypted for this place); IDEMPOTENCY_STORE_UNAVAILABLE when the cipher did not answer
 */
export function openBody(
  stored: ReadableBody,
  place: BodyPlace,
  cipher: Pick<Cipher, 'decrypt'> | null,
  mostBytes?: number,
): MaybePromise<string> {
  const isText = !stored.encoding && !stored.cipher;
  return isText ? stored.body.slice(0, mostBytes) : openBytes(stored, place, cipher, mostBytes);
}

async function openBytes(
  { body, encoding, cipher: names, omitted }: ReadableBody,
  place: BodyPlace,
  cipher: Pick<Cipher, 'decrypt'> | null,
  mostBytes: number | undefined,
): Promise<string> {
  let bytes: Uint8Array = fromBase64(body);
  if (names) {
    if (!cipher)
      throw refusal(
        'IDEMPOTENCY_RESULT_NOT_RETAINED',
        'no_cipher',
        new Error(`It was encrypted with the key ${names.keyId}, and no \`cipher\` is configured`),
      );
    const ciphertext = { keyId: names.keyId, iv: fromBase64(names.iv), tag: fromBase64(names.tag), bytes };
    bytes = await decrypt(cipher, ciphertext, contextOf(place, encoding, omitted === 'redacted'));
  }
  if (mostBytes !== undefined)
    return beginningOf(encoding ? await unpackUpTo(bytes, mostBytes) : bytes.subarray(0, mostBytes));
  const text = encoding ? await unpack(bytes) : Buffer.from(bytes);
  if (!isUtf8(text)) throw damaged();
  return text.toString();
}

/** The last character may be cut in two: it is left out then. */
function beginningOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch (cause) {
    throw damaged(cause);
  }
}

/** Compresses a text; undefined where it would not be stored smaller than as it is. */
async function packText(text: string, length: number, isEncrypted: boolean): Promise<Buffer | undefined> {
  const packed = await compress(text);
  // An encrypted body is stored as base64 whether it is compressed or not, so only the bytes before that count.
  return (isEncrypted ? packed.length : base64Length(packed.length)) < length ? packed : undefined;
}

/** Expands a compressed text, up to a limit: a few bytes that somebody put there may expand to gigabytes. */
async function unpack(bytes: Uint8Array): Promise<Buffer> {
  try {
    return await expand(bytes, { maxOutputLength: MAX_TEXT_BYTES });
  } catch (cause) {
    throw damaged(cause);
  }
}

/** Expands the beginning of a compressed text chunk by chunk, and nothing behind it. */
async function unpackUpTo(bytes: Uint8Array, mostBytes: number): Promise<Buffer> {
  const stream = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
  const chunks: Buffer[] = [];
  let length = 0;
  stream.end(bytes);
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= mostBytes) break;
    }
  } catch (cause) {
    throw damaged(cause);
  }
  return Buffer.concat(chunks);
}

async function encrypt(cipher: Cipher, plain: Uint8Array, context: Uint8Array): Promise<Ciphertext> {
  const ciphertext = await inTime(() => cipher.encrypt(plain, context));
  const { keyId, iv, tag, bytes } = ciphertext;
  if (typeof keyId !== 'string' || ![iv, tag, bytes].every((part) => part instanceof Uint8Array))
    throw new TypeError(
      'Expected `cipher.encrypt` to return { keyId, iv, tag, bytes }: a string and Uint8Arrays',
    );
  return ciphertext;
}

async function decrypt(
  cipher: Pick<Cipher, 'decrypt'>,
  ciphertext: Ciphertext,
  context: Uint8Array,
): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await inTime(() => cipher.decrypt(ciphertext, context));
  } catch (cause) {
    throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'cipher', cause);
  }
  if (bytes) return bytes;
  throw refusal(
    'IDEMPOTENCY_RESULT_NOT_RETAINED',
    'undecipherable',
    new Error(`The key ${ciphertext.keyId} is unknown, or did not encrypt this body for this place`),
  );
}

/** Makes the context that is authenticated along with a body, so that the body can not be decrypted in any other place. */
function contextOf(place: BodyPlace, encoding: StoredBody['encoding'], isRedacted: boolean): Buffer {
  const { scope, key, part, format } = place;
  const life = place.part === 'request' ? null : place.life;
  return Buffer.from(
    JSON.stringify(['latchkey/1', scope, key, life, part, format, encoding ?? null, isRedacted]),
  );
}

function namesOf({ keyId, iv, tag }: Ciphertext): NonNullable<StoredBody['cipher']> {
  return { keyId, iv: base64(iv), tag: base64(tag) };
}

const tooLarge = (format: string, bytes: number): StoredBody => ({ format, bytes, omitted: 'too_large' });

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const base64Length = (bytes: number) => 4 * Math.ceil(bytes / 3);
const damaged = (cause?: unknown) => refusal('IDEMPOTENCY_RESULT_NOT_RETAINED', 'damaged', cause);

/** Node.js skips what is no base64. */
function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw damaged();
  return bytes;
}

/** A key service that does not answer must not hold up a caller whose effect has happened. */
async function inTime<T>(work: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`The cipher did not answer within ${CIPHER_LIMIT_MS} ms`);
    timer = setTimeout(() => reject(error), CIPHER_LIMIT_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
