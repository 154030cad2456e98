import { describe } from 'vitest';
import { addresses } from './store/addresses.ts';
import { capturedRequests } from './store/captured-request.ts';
import { claims } from './store/claim.ts';
import { closing } from './store/close.ts';
import { givenUpClaims } from './store/give-up.ts';
import { type OpenStore, prepareGround } from './store/ground.ts';
import { races } from './store/race.ts';
import { reads } from './store/read.ts';
import { recordedSteps } from './store/record-step.ts';
import { renewals } from './store/renew.ts';
import { settlements } from './store/settle.ts';
import { takeovers } from './store/take-over.ts';
import { watches } from './store/watch.ts';

/** What every store promises, in terms of its port alone. */
export function storeContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`${name} keeps the contract of a store`, () => {
    const ground = prepareGround(open);
    claims(ground);
    capturedRequests(ground);
    settlements(ground);
    renewals(ground);
    recordedSteps(ground);
    takeovers(ground);
    races(ground);
    watches(ground);
    reads(ground);
    givenUpClaims(ground);
    addresses(ground);
    closing(ground);
  });
}
