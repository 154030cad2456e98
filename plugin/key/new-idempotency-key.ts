import { randomUuid } from './random-uuid.ts';
import { FIRST_PLACE, placeAfter, timeOrderedUuid } from './time-ordered-uuid.ts';

let place = FIRST_PLACE;

/**
 * A new key (UUID version 7) for one logical operation: make it once, and send it with every attempt. Each key of a page is
 * greater than the one before, so a database keeps new keys side by side. It tells when it was made, and it is no secret.
 *
 * @example
 * const orderId = newIdempotencyKey() // when the form is opened, not when it is sent
 * @throws Error where the platform has no cryptographic random source (React Native without a polyfill)
 */
export function newIdempotencyKey(): string {
  const random = randomUuid();
  place = placeAfter(place, Date.now(), random);
  return timeOrderedUuid(place, random);
}
