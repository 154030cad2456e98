// A file of tests as somebody writes it who uses the runner of Node.js.
import * as runner from 'node:test';
import { createMemoryStore } from '../../server/memory/index.ts';
import { storeContract } from '../../server/testing/index.ts';

storeContract(
  'the memory store',
  async () => {
    const store = createMemoryStore();
    return { store, [Symbol.asyncDispose]: () => store.close(0) };
  },
  runner,
);
