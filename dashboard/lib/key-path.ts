/** Of a damaged record that does not say which life it is in. */
export const NO_LIFE = '-';

/** The page of one life of a record. Its key is never a part of an address: it may be long, secret, or not fit for a path. */
export function keyPath({ id, life }: { readonly id: string; readonly life: string }): string {
  return `/keys/${encodeURIComponent(id)}/${encodeURIComponent(life || NO_LIFE)}`;
}
