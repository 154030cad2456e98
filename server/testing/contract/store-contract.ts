import { describe } from 'vitest';
import { addresses } from './addresses.ts';
import { capturedRequests } from './captured-request.ts';
import { claims } from './claim.ts';
import { closing } from './close.ts';
import { givenUpClaims } from './give-up.ts';
import { type OpenStore, prepareGround } from './ground.ts';
import { races } from './race.ts';
import { reads } from './read.ts';
import { recordedSteps } from './record-step.ts';
import { renewals } from './renew.ts';
import { settlements } from './settle.ts';
import { takeovers } from './take-over.ts';
import { watches } from './watch.ts';

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
