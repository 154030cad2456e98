import { type IdempotencyError, refusalWith } from '../../../server/engine/errors.ts';
import { checkKey, parseKeyHeader } from '../../../server/engine/key.ts';
import { withHelp } from '../../../server/engine/with-help.ts';
import { isInherited } from '../../../server/run/key-carriers.ts';
import { isInheritedKey } from '../../../server/run/run.ts';
import { belongsToRun, type Shown } from './client-request.ts';

/**
 * Reads the key in `extensions.idempotencyKey`, else in the header; undefined when neither is there, or when it is that of the
 * run around.
 * @param isShared whether one HTTP request carries several operations: its header then names none of them
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID for a key that is there and can not be used, never "no key"
 */
export function readKey(
  { extensions, headers }: Shown,
  headerName: string,
  isShared: boolean,
): string | undefined {
  const found = extensions.find(({ of }) => idempotencyKey(of) !== undefined);
  const header = headers?.of.get(headerName);
  if (header !== undefined && isShared) {
    throw ambiguous(
      `One ${headerName} header can not name the operations of a batch; use extensions.idempotencyKey`,
    );
  }
  const fromHeader = header === undefined ? undefined : own(parseKeyHeader(header), headers?.carrier);
  const fromExtension = found && own(checkKey(idempotencyKey(found.of)), found.carrier);
  if (fromHeader !== undefined && fromExtension !== undefined && fromHeader !== fromExtension) {
    throw ambiguous(`extensions.idempotencyKey and the ${headerName} header hold different keys`);
  }
  return fromExtension ?? fromHeader;
}

/**
 * Checks what a developer's `key` function returned; undefined for no key, and for that of the run around. The client's own key is never
 * dropped: `readKey` has seen that it was asked for.
 */
export function developersKey(
  value: unknown,
  clientKey: string | undefined,
  shown: Shown,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  const key = checkKey(value);
  if (key === clientKey) return key;
  return belongsToRun(shown) && isInheritedKey(key) ? undefined : key;
}

/** @throws TypeError where a client's key can not be seen, whatever it sends */
export function checkVisible({ isVisible }: Shown, operation: string): void {
  if (isVisible) return;
  const text =
    `useIdempotency finds no HTTP request and no GraphQL parameters on the context of the mutation ${operation}, so that a client's key ` +
    'can not be seen: say where they stand, `request: ({ context }) => ({ headers, extensions })`, or give a `key` function';
  throw new TypeError(withHelp(text, 'no-request-on-the-context'));
}

const idempotencyKey = (extensions: object): unknown =>
  (extensions as { idempotencyKey?: unknown }).idempotencyKey;

function own(key: string, carrier: unknown): string | undefined {
  return isInherited(key, carrier) ? undefined : key;
}

function ambiguous(message: string): IdempotencyError {
  return refusalWith('IDEMPOTENCY_KEY_INVALID', { message, reason: 'ambiguous' });
}
