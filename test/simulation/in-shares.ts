import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Which part of the work a process does: each `of`-th item, from `index` on. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Share = { index: 0, of: 1 };

export const isOf = ({ index, of }: Share, item: number): boolean => item % of === index;

/**
 * Runs this program again in as many processes as `count` says, each with `--share` and what it was given itself.
 * @returns what each has sent by `process.send`. Where one has ended without, the others are ended, too, and it is undefined.
 */
export async function inShares<Result>(count: number): Promise<readonly (Result | undefined)[]> {
  const [program = '', ...args] = process.argv.slice(1);
  const children = Array.from({ length: count }, (_, index) =>
    fork(program, [...args, '--share', `${index}/${count}`]),
  );
  const resultOf = async (child: ChildProcess) => {
    let result: Result | undefined;
    child.on('message', (message: Result) => {
      result = message;
    });
    await once(child, 'exit');
    if (result === undefined) for (const other of children) other.kill();
    return result;
  };
  return Promise.all(children.map(resultOf));
}
