import { MongoTransaction } from '../../mongodb/transaction.ts';
import { LONGEST_MS } from './asking.ts';
import { type Bench, DONE, requestOf } from './bench.ts';

/** Makes an effect and a completion by the store's own transaction, once committed and once aborted. */
export async function tryTransactions(bench: Bench): Promise<string | undefined> {
  for (const isCommitted of [true, false]) {
    const { held, operationTime } = await bench.claim({ transactional: true });
    const transaction = new MongoTransaction({
      collection: bench.scratch,
      reader: bench.reader,
      held,
      after: operationTime,
      timeoutMs: LONGEST_MS / 2,
      completionOf: (completion) => bench.writes.settle(held, completion).statement,
      onCommitted: () => {},
    });
    const effect = requestOf();
    try {
      const { session } = transaction;
      const insert = { insert: bench.scratch.name, documents: [{ scope: 'effect', key: effect.key }] };
      await bench.scratch.run(insert, { session });
      if (isCommitted) {
        const answer = await transaction.commit(DONE);
        if ('error' in answer) throw answer.error;
        if (answer.to !== 'committed') return `the commit ended as ${answer.to}`;
      }
    } finally {
      await transaction.abort();
    }
    const isThere = (await bench.read({ scope: 'effect', key: effect.key })) !== null;
    const isDone = (await bench.read(held))?.state === 'completed';
    if (isThere !== isCommitted || isDone !== isCommitted) {
      return isCommitted ? 'what was committed is not there' : 'what was aborted is there';
    }
  }
  return undefined;
}
