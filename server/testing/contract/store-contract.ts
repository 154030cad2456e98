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
import { suiteOf, type TestRunner } from './runner.ts';
import { settlements } from './settle.ts';
import { takeovers } from './take-over.ts';
import { watches } from './watch.ts';

/**
 * Declares the tests of what every store promises, in terms of the port `Store` alone: all of it but `begin` and `count`. The
 * repository's own stores are tried by it, too. The test runner is yours: Vitest, `node:test`, Jest, Mocha.
 *
 * @example
 * import * as runner from 'vitest' // or from 'node:test'
 * storeContract('the Redis store', async () => {
 *   const store = createRedisStore({ prefix: randomUUID() })
 *   return { store, [Symbol.asyncDispose]: () => store.close(0) }
 * }, runner)
 * @param name names the store in the names of the tests
 * @param open opens an empty store; it is called once for most of the tests, and once for each test of `close`
 * @param runner declares the tests
 * @throws TypeError for what is no test runner
 * @experimental what a store has to do may change in a minor release
 */
export function storeContract(name: string, open: () => Promise<OpenStore>, runner: TestRunner): void {
  const suite = suiteOf(runner);
  suite.describe(`${name} keeps the contract of a store`, () => {
    const ground = prepareGround(open, suite);
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
