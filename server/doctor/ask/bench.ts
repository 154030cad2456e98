import { randomUUID } from 'node:crypto';
import type { ClaimRequest } from '../../engine/decide.ts';
import type { StoredRecord } from '../../engine/record.ts';
import type { Held } from '../../engine/store.ts';
import type { Settlement } from '../../engine/transitions.ts';
import type { Collection, Document } from '../../mongodb/database.ts';
import { createWrites, type Write } from '../../mongodb/pipelines/statements.ts';
import { Reader } from '../../mongodb/reader.ts';
import { readReply, updateCommand } from '../../mongodb/writes/update-command.ts';
import { LONGEST_MS } from './asking.ts';

const MINUTE = 60_000;
/** The code of the error for a second document where an index allows one. */
export const DUPLICATE_KEY = 11000;

export const DONE = {
  to: 'completed',
  outcome: 'success',
  response: { format: 'doctor/1', body: '{"paid":true}', bytes: 13 },
  retentionMs: MINUTE,
} as const satisfies Settlement;

/** The server took the statements, and did something else than they say. */
export class BrokenPromise extends Error {}

/** A bench sends the statements of the store, one by one, and reads what becomes of a record. */
export class Bench {
  readonly scratch: Collection;
  readonly writes = createWrites();
  readonly reader: Reader;

  constructor(scratch: Collection) {
    this.scratch = scratch;
    this.reader = new Reader(scratch);
  }

  /** Sends a write as the store does. `matched` says that it applied, `inserted` that it made a record. */
  async send(write: Write) {
    const reply = await this.scratch.run(updateCommand(this.scratch.name, [{ write }], LONGEST_MS));
    const [answer] = readReply(reply, 1, 0);
    if (answer && 'errmsg' in answer) throw Object.assign(new Error(answer.errmsg), { code: answer.code });
    return answer as Exclude<typeof answer, undefined>;
  }

  /** Claims a key of its own. */
  async claim(overrides: Partial<ClaimRequest> = {}) {
    const request = requestOf(overrides);
    const { inserted, operationTime } = await this.send(this.writes.fresh(request));
    if (!inserted) throw new BrokenPromise('the claim of a new key made no record');
    return { request, held: heldBy(request), operationTime };
  }

  /** Reads what a majority has. */
  async read({ scope, key }: Pick<Held, 'scope' | 'key'>): Promise<StoredRecord | null> {
    const until = performance.now() + LONGEST_MS;
    return (await this.reader.snapshot({ scope, key }, undefined, until)).record;
  }

  /** Inserts documents that are no records of keys. */
  insert(document: Document): Promise<Document> {
    return this.scratch.run({
      insert: this.scratch.name,
      documents: [document],
      writeConcern: { w: 'majority' },
    });
  }
}

export function requestOf(overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  const id = randomUUID();
  return {
    scope: 'latchkey doctor',
    key: id,
    operation: 'latchkey.doctor',
    fingerprints: ['s1:doctor'],
    owner: id,
    seed: Date.now(),
    leaseMs: MINUTE,
    unresolvedRetentionMs: MINUTE,
    onCrash: 'in_doubt',
    resolves: false,
    transactional: false,
    ...overrides,
  };
}

/** Makes the same request as somebody else would send it. */
export const rivalOf = (request: ClaimRequest): ClaimRequest => ({ ...request, owner: randomUUID() });

function heldBy({ scope, key, owner, seed }: ClaimRequest): Held {
  return { scope, key, owner, fence: seed, life: seed, attempts: 1 };
}
