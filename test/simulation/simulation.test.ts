import { beforeAll, describe, expect, it } from 'vitest';
import { violations } from '../history/promises.ts';
import { historiesOf } from './histories.ts';
import { PLANTED_FAULTS } from './planted-faults.ts';
import { type Played, play } from './play.ts';
import { makeProgram, type Program } from './program.ts';
import { scenarioOf } from './scenario.ts';
import { shortest } from './shrink.ts';

let sound: Program;
beforeAll(async () => {
  sound = await makeProgram();
});

const shown = ({ history, server }: Played) => JSON.stringify([history, server.log]);

it.each([3, 8, 12, 21])(
  'seed %i gives the same history and the same log twice, byte for byte',
  async (seed) => {
    const first = await play(scenarioOf(seed), sound);
    expect(shown(await play(scenarioOf(seed), sound))).toBe(shown(first));
    expect(first.effects.length).toBeGreaterThan(0);
  },
);

describe('a fault that is planted', () => {
  const [fault] = PLANTED_FAULTS.filter(({ name }) => name.startsWith('a new claim overwrites'));

  it('is found, and shown by a shorter history that breaks the same promise', async () => {
    const faulty = await makeProgram(fault);
    const scenario = scenarioOf(1);
    expect(violations(historiesOf(await play(scenario, sound)))).toEqual([]);
    const played = await play(scenario, faulty);
    const [violation] = violations(historiesOf(played));
    if (!violation) throw new Error('Expected a broken promise');
    const short = await shortest(scenario, violation, faulty);
    expect(violations(historiesOf(short)).map(({ promise }) => promise)).toContain(violation.promise);
    expect(short.history.length).toBeLessThan(played.history.length);
  });

  it.each(PLANTED_FAULTS)('still has its place in the sources: $name', async (planted) => {
    await expect(makeProgram(planted)).resolves.toBeTypeOf('function');
  });

  it('is an error where its text is gone', async () => {
    const gone = { ...PLANTED_FAULTS[0], find: 'no such text' } as (typeof PLANTED_FAULTS)[number];
    await expect(makeProgram(gone)).rejects.toThrow(
      'Expected server/mongodb/pipelines/statements.ts to hold exactly once',
    );
  });
});
