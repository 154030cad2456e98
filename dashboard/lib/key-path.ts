/** A dash stands in an address for the life of a damaged record that does not say which life it is in. */
export const NO_LIFE = '-';

/**
 * Makes the address of the page of one life of a record. The key is never a part of it: a key may be long, secret, or
 * not fit for a path.
 */
export function keyPath({ id, life }: { readonly id: string; readonly life: string }): string {
  return `/keys/${encodeURIComponent(id)}/${encodeURIComponent(life || NO_LIFE)}`;
}
