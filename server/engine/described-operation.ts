import type { ResolvedPolicy } from './policy.ts';

/** A `DescribedOperation` is an operation of an API as `latchkey lint --markdown` tells those who call the API of it. */
export interface DescribedOperation {
  readonly name: string;
  /** `by_call` where a function decides whether a key is required; `none` where a key has no effect. */
  readonly key: 'required' | 'optional' | 'by_call' | 'none';
  /** The policy of a keyed call of this operation alone; null where there is none. */
  readonly policy: ResolvedPolicy | null;
  /** True where a function decides some of the policy for each call. */
  readonly byRequest?: boolean;
}

/** Says whether an operation needs a key, by the value of its `require`. */
export function keyNeedOf(require: unknown): DescribedOperation['key'] {
  if (typeof require === 'function') return 'by_call';
  return require === true ? 'required' : 'optional';
}
