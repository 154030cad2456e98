import { randomUUID } from 'node:crypto';
import { type Run, unrecordedRun } from './run.ts';

/**
 * Makes the run of a call without a key, for handlers that count on a run. It has a key of its own, so what it gives to other services
 * is never taken for another call's.
 */
export function keylessRun(): Run {
  return unrecordedRun({ scope: '', key: randomUUID() });
}

/**
 * Makes the run of a call within a keyed run that has no key of its own. What would be different on a retry of the run around it is
 * refused: a downstream key that changes is a second charge.
 * @param what the call is, for the message
 */
export function nestedRun(what: string): Run {
  const refuse = (method: string) => (): never => {
    throw new TypeError(
      `\`${method}\` is not for ${what}: it was called within a keyed run and has no key of its own; give it one, or do this in ` +
        'the run around it',
    );
  };
  return {
    ...keylessRun(),
    downstreamKey: refuse('downstreamKey'),
    step: async () => refuse('step')(),
    release: refuse('release'),
    inDoubt: refuse('inDoubt'),
  };
}
