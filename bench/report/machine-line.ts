import type { Result } from './result.ts';

/** Says in a sentence on what machine, and how busy it was, figures were measured. */
export function machineLine({ at, machine, rounds }: Pick<Result, 'at' | 'machine' | 'rounds'>): string {
  const { node, cpu, cores, mongod, loadBefore, loadAfter, coresOfOthers, noisy } = machine;
  const others = coresOfOthers === undefined ? '' : `, other processes used ${coresOfOthers} of its cores`;
  return (
    `${at.slice(0, 10)}, ${cores} cores (${cpu.trim()}), Node ${node}, mongod ${mongod}, ${rounds.rounds} rounds of ${rounds.seconds} s ` +
    `after ${rounds.warmUpSeconds} s of warm-up. Load ${loadBefore} before and ${loadAfter} after${others}${noisy ? ': noisy' : ''}.`
  );
}
