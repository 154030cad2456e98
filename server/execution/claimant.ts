import type { KeyedCall } from '../call.ts';
import type { ClaimRequest } from '../engine/decide.ts';
import type { CallTrace } from '../telemetry.ts';
import type { Host } from './host.ts';

/** `Waits` adds up how long one call has waited for other runs of its key. */
export interface Waits {
  /** In ms; undefined for a call that has not waited. */
  total: number | undefined;
}

/** The time that a call has waited, as events have it. */
export const waitedBy = ({ total }: Waits): { readonly waitedMs?: number } =>
  total === undefined ? {} : { waitedMs: total };

/** The other run that an event speaks of, as events have it. */
export const linkTo = (traceparent: string | undefined): { readonly linkedTo?: string } =>
  traceparent === undefined ? {} : { linkedTo: traceparent };

/** A claimant is a call that asks for a key, with the request that it sends to the store. */
export interface Claimant<Value> {
  readonly host: Host;
  readonly call: KeyedCall<Value>;
  readonly request: ClaimRequest;
  /** What the call has waited for others so far. */
  readonly waits: Waits;
  /** Follows the call, where it is traced. */
  readonly trace: CallTrace | undefined;
}

/** Says how a key was won. */
export type WonBy =
  | { readonly how: 'claimed' }
  /** An earlier run had lapsed, or was in doubt. */
  | {
      readonly how: 'taken_over';
      /** The span of that run, where it was traced. */
      readonly lost: string | undefined;
    };
