import { withHelp } from './with-help.ts';

interface Shared<T> {
  readonly protocol: number;
  readonly value: T;
}

/**
 * Makes a thing of which a process may have only one, however many copies of this package are loaded in it: a bundler and a
 * monorepo make a second one, and a run that was begun by one copy has to be seen by the other.
 * @param protocol changes with the shape of what is shared, and not with the version of the package
 * @throws Error where another copy shares it in another shape: each would be blind to what the other one does
 */
export function processWide<T>(name: string, protocol: number, make: () => T): T {
  const shared = globalThis as { [symbol: symbol]: Shared<T> | undefined };
  const symbol = Symbol.for(`latchkey.${name}`);
  shared[symbol] ??= { protocol, value: make() };
  if (shared[symbol].protocol === protocol) return shared[symbol].value;
  const text =
    `Two copies of latchkey that do not fit together are loaded in this process: the first one has protocol ${shared[symbol].protocol} of ` +
    `\`${name}\`, this one ${protocol}, so neither would see the runs of the other. Install one version of it ` +
    '(`npm ls latchkey` shows where they come from), and leave it out of bundles (`external`)';
  throw new Error(withHelp(text, 'two-copies'));
}
