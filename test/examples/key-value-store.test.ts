import * as runner from 'vitest';
import { expect, test } from 'vitest';
import { createKeyValue } from '../../examples/stores/key-value.ts';
import { createKeyValueStore } from '../../examples/stores/key-value-store.ts';
import { createIdempotency } from '../../server/index.ts';
import { storeContract } from '../../server/testing/index.ts';

storeContract(
  'the example store on a server with a compare-and-set',
  async () => {
    const store = createKeyValueStore(createKeyValue());
    return { store, [Symbol.asyncDispose]: () => store.close(0) };
  },
  runner,
);

test('two processes on the example store run a key once', async () => {
  const keyValue = createKeyValue();
  await using one = createIdempotency({ store: createKeyValueStore(keyValue) });
  await using other = createIdempotency({ store: createKeyValueStore(keyValue) });
  let charges = 0;
  const pay = (idempotency: typeof one) =>
    idempotency.run({ scope: 'ada', key: 'k', operation: 'pay' }, () => `ch_${++charges}`);
  expect(await Promise.all([pay(one), pay(other), pay(one), pay(other)])).toEqual(Array(4).fill('ch_1'));
});
