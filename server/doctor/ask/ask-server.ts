import type { Collection, Document } from '../../mongodb/database.ts';
import { hostsOf } from '../../mongodb/writes/with-reason.ts';
import type { Asked, ClockFacts, ServerFacts, WriteConcernFacts } from '../facts.ts';
import type { Ask } from './asking.ts';

const HELLOS = 3;

/**
 * Asks which server this is, and which members its set has. Where there is no primary, any member may say so.
 * @throws the driver's error when nobody answers, or the login is refused
 */
export async function askServer(
  collection: Collection,
  ask: Ask,
): Promise<{ readonly server: ServerFacts; readonly hosts: readonly string[] }> {
  const hello = await helloOf(collection);
  const { hosts, passives, arbiters } = hello as Record<string, string[] | undefined>;
  const server: ServerFacts = {
    kind: kindOf(hello),
    isWritable: hello.isWritablePrimary === true,
    host: typeof hello.me === 'string' ? hello.me : (hostsOf(collection.db)[0] ?? 'the server'),
    setName: typeof hello.setName === 'string' ? hello.setName : null,
    wireVersion: Number(hello.maxWireVersion),
    version: await ask(async () => {
      const { version } = await collection.db.command({ buildInfo: 1 }, ANYBODY);
      return String(version);
    }),
  };
  return { server, hosts: [...(hosts ?? []), ...(passives ?? []), ...(arbiters ?? [])] };
}

const ANYBODY = { readPreference: 'primaryPreferred' };

async function helloOf(collection: Collection): Promise<Document> {
  try {
    return await collection.run({ hello: 1 });
  } catch (error) {
    if ((error as Error).name !== 'MongoServerSelectionError') throw error;
    // Without any member this one throws, too, and what the first one says is better.
    return await collection.db.command({ hello: 1 }, ANYBODY).catch(() => {
      throw error;
    });
  }
}

function kindOf(hello: Document): ServerFacts['kind'] {
  if (hello.msg === 'isdbgrid') return 'sharded';
  if (hello.isreplicaset) return 'uninitiated';
  return hello.setName ? 'set' : 'standalone';
}

/** Compares a server's clock with that of this machine: by the quickest of some answers, for it says most. */
export async function clockOf(
  hello: () => Promise<Document>,
): Promise<ClockFacts & { readonly hello: Document }> {
  let best: (ClockFacts & { readonly hello: Document }) | undefined;
  for (let count = 0; count < HELLOS; count++) {
    const sentAt = Date.now();
    const from = performance.now();
    const answer = await hello();
    const uncertaintyMs = (performance.now() - from) / 2;
    const { localTime } = answer;
    if (!(localTime instanceof Date)) throw new Error('the answer to `hello` has no `localTime`');
    const aheadMs = localTime.getTime() - (sentAt + uncertaintyMs);
    if (!best || uncertaintyMs < best.uncertaintyMs) best = { aheadMs, uncertaintyMs, hello: answer };
  }
  return best as NonNullable<typeof best>;
}

export function askClock(collection: Collection, ask: Ask): Promise<Asked<ClockFacts>> {
  return ask(async () => {
    const { aheadMs, uncertaintyMs } = await clockOf(() => collection.run({ hello: 1 }));
    return { aheadMs, uncertaintyMs };
  });
}

export async function askWriteConcern(collection: Collection, ask: Ask): Promise<WriteConcernFacts> {
  const byDefault = await ask(async () => {
    const { defaultWriteConcern } = await collection.runOnAdmin({ getDefaultRWConcern: 1 }, {});
    return (defaultWriteConcern as { w?: string | number } | undefined)?.w ?? null;
  });
  return { byDefault, byUri: uriWriteConcern(collection) };
}

/** The driver's client has what its URI says in `options`. */
function uriWriteConcern({ db }: Collection): string | number | undefined {
  const { options } = (db.client ?? {}) as { options?: { writeConcern?: { w?: string | number } } };
  return options?.writeConcern?.w;
}
