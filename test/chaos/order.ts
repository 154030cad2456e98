/** How a key's effect is made, and what its policy says of crashes. */
export const SHOPS = ['plain', 'rerun', 'resolver', 'transaction', 'steps'] as const;
export type Shop = (typeof SHOPS)[number];

/** A mode is a shop with one key for each request, or the plain one with several keys in a request: fields of GraphQL, a batch of tRPC. */
export const MODES = [...SHOPS, 'fields', 'batch'] as const;
export type Mode = (typeof MODES)[number];

export const shopOf = (mode: Mode): Shop => (mode === 'fields' || mode === 'batch' ? 'plain' : mode);

/** What an attempt asks the handler to do. It comes in a header, so that it is no part of the request's fingerprint. */
export interface Plan {
  /** Names the attempt. */
  readonly attempt: string;
  readonly workMs: number;
  /** The effect is made after this part of the work. */
  readonly effectAfter: number;
  /** The handler says that nothing happened, in place of making its effect. */
  readonly releases: boolean;
  /** Undefined: as long as results are kept by default. */
  readonly retentionMs?: number;
}

/** One key of a request. */
export interface Item {
  readonly scope: string;
  readonly key: string;
  readonly amount: number;
}
