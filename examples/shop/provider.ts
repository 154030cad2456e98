import { setTimeout as pause } from 'node:timers/promises';
import { currentRun } from '../../server/index.ts';

/** Takes the money. Rejects when it did not, or when nobody knows. */
export type Provider = (amount: number) => Promise<void>;

export const steadyProvider: Provider = async () => {};

/** Of ten payments one is declined; now and then it is too busy, or does not answer in time. */
export function moodyProvider(random: () => number): Provider {
  return async () => {
    await pause(20 + 400 * random() ** 4);
    const mood = random();
    if (mood < 0.1) throw new Error('The card was declined'); // an answer like any other: a retry gets the same
    if (mood < 0.13) {
      currentRun()?.release('the provider was too busy'); // nothing happened: a retry runs
      throw new Error('Try again in a moment');
    }
    if (mood < 0.15) {
      currentRun()?.inDoubt('the provider did not answer in time'); // somebody has to look
      throw new Error('The payment could not be confirmed');
    }
  };
}
