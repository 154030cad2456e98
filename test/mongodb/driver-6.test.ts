import { MongoClient, ObjectId } from 'mongodb';
import { describe, expect, it, vi } from 'vitest';

// For this file and all that it imports, `mongodb` is driver 6 with its bson 6.
vi.mock('mongodb', () => import('mongodb6'));

it('these tests have a driver and a bson of another major than the other tests', async () => {
  const other = await vi.importActual<typeof import('mongodb')>('mongodb');
  const bson = Symbol.for('@@mdb.bson.version');
  expect(new ObjectId()).toMatchObject({ [bson]: 6 });
  expect(new other.ObjectId()).toMatchObject({ [bson]: 7 });
  expect(MongoClient).not.toBe(other.MongoClient);
});

// What depends on how a driver sends commands, reads answers and reports failures.
describe('over driver 6', async () => {
  await import('./store.test.ts');
  await import('./lost-answers.test.ts');
});
