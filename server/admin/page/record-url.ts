/** A `RecordAddress` names the record of a key: by its id, as errors have it in `recordId`, or by its scope and key, as events have them. */
export type RecordAddress =
  | { readonly recordId: string }
  | {
      /** The scope of the key. */
      readonly scope: string;
      /** The key, as the client sent it. */
      readonly key: string;
    };

/**
 * Makes the address of a key's page below `base`, from the root of the host on.
 * @throws TypeError for neither
 */
export function recordUrl(base: string, address: RecordAddress): string {
  const { recordId, scope, key } = (address ?? {}) as Readonly<Record<string, unknown>>;
  if (recordId !== undefined) {
    if (typeof recordId === 'string' && /^[0-9a-f]{24}$/.test(recordId))
      return `${base}/keys/by?recordId=${recordId}`;
    throw new TypeError(`Expected \`recordId\` to be the id of a record, got ${JSON.stringify(recordId)}`);
  }
  if (typeof scope === 'string' && typeof key === 'string' && scope !== '' && key !== '')
    return `${base}/keys/by?${new URLSearchParams({ scope, key })}`;
  throw new TypeError(
    'Expected `recordUrl` to be given { recordId }, or { scope, key } with a text each that is not empty',
  );
}
