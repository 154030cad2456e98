import type { ClaimRequest } from '../../engine/decide.ts';
import type { KeyRecord } from '../../engine/record.ts';
import type { Held, Store, WriteAnswer } from '../../engine/store.ts';
import type { Settlement } from '../../engine/transitions.ts';
import { freshClaim, rivalOf } from './requests.ts';
import type { Suite } from './runner.ts';

/**
 * An `OpenStore` is one store to be tried, with nothing in it. What disposes it closes the store and removes what it has written.
 *
 * @experimental
 */
export interface OpenStore extends AsyncDisposable {
  /** The store that is tested. */
  readonly store: Store;
}

export const released = { to: 'released', reason: 'not started', retentionMs: 60_000 } satisfies Settlement;
export const doubted = {
  to: 'in_doubt',
  reason: 'timed out',
  unresolvedRetentionMs: 60_000,
} satisfies Settlement;
/** `LAPSED` is a lease that is over before it begins, so that no test has to wait for it. */
export const LAPSED = { leaseMs: -1 };
export const nobody = { owner: 'nobody', fence: 0 };

/** A `Ground` is what the parts of the contract stand on: an open store, and what they do with it again and again. */
export interface Ground extends Pick<Suite, 'describe' | 'it'> {
  /** Open from `beforeAll` on. */
  readonly store: Store;
  /** Another one. */
  open(): Promise<OpenStore>;
  readonly fresh: typeof freshClaim;
  readonly rival: typeof rivalOf;
  win(request: ClaimRequest): Promise<Held>;
  read(request: ClaimRequest): Promise<KeyRecord>;
  stands(answer: WriteAnswer): unknown;
}

export function prepareGround(open: () => Promise<OpenStore>, suite: Suite): Ground {
  let opened: OpenStore;
  suite.beforeAll(async () => {
    opened = await open();
    await opened.store.ready();
  });
  suite.afterAll(async () => opened[Symbol.asyncDispose]());

  return {
    describe: suite.describe,
    it: suite.it,
    get store() {
      return opened.store;
    },
    open,
    fresh: freshClaim,
    rival: rivalOf,
    async win(request) {
      const answer = await opened.store.claim(request);
      if (!answer.won) throw new Error(`Expected to win, got ${JSON.stringify(answer.record)}`);
      return answer.held;
    },
    /** A takeover from nobody changes nothing, and says what stands. */
    async read(request) {
      const answer = await opened.store.takeOver({ ...request, owner: 'a reader' }, nobody, 'running');
      if (answer.won) throw new Error('Expected nobody to hold the key');
      return answer.record as unknown as KeyRecord;
    },
    stands: (answer) => (answer.applied ? 'applied' : answer.stands),
  };
}
