import type { Facts } from '../facts.ts';
import type { Finding } from '../finding.ts';
import { judgeCollections, judgeScratch } from './judge-collections.ts';
import { judgeExpiry } from './judge-expiry.ts';
import { judgeServer } from './judge-server.ts';
import { judgeTimes } from './judge-times.ts';
import { judgeTrials } from './judge-trials.ts';

/** Says what the facts mean for the promises of the product, in the order in which somebody would mend it. */
export function judge(facts: Facts): Finding[] {
  return [
    ...judgeServer(facts),
    ...judgeCollections(facts),
    ...judgeScratch(facts),
    ...judgeTrials(facts),
    ...judgeTimes(facts),
    ...judgeExpiry(facts),
  ];
}
