import type { KeyedCall } from '../call.ts';
import type { ClaimRequest } from '../engine/decide.ts';
import type { Host } from './host.ts';

/** A claimant is a call that asks for a key, with the request that it sends to the store. */
export interface Claimant<Value> {
  readonly host: Host;
  readonly call: KeyedCall<Value>;
  readonly request: ClaimRequest;
}
