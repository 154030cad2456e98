import type { Collection, Document } from '../../mongodb/database.ts';
import type { MemberFacts } from '../facts.ts';
import { clockOf } from './ask-server.ts';
import type { Ask } from './asking.ts';

/** A connection to one member, which nobody logs in to: every server answers `hello`. */
export interface MemberLink {
  hello(): Promise<Document>;
  close(): Promise<void>;
}

/** Asks each member of the set by a connection of its own. */
export async function askMembers(
  collection: Collection,
  connectTo: (host: string) => Promise<MemberLink>,
  ask: Ask,
): Promise<MemberFacts[]> {
  const asked = await ask(() => collection.run({ hello: 1 }));
  if (!('known' in asked)) return [];
  const { hosts, passives, arbiters } = asked.known as Record<string, string[] | undefined>;
  const all = [...(hosts ?? []), ...(passives ?? []), ...(arbiters ?? [])];
  return Promise.all(all.map(async (host) => ({ host, asked: await ask(() => askMember(host, connectTo)) })));
}

async function askMember(host: string, connectTo: (host: string) => Promise<MemberLink>) {
  const link = await connectTo(host);
  try {
    const { hello, aheadMs, uncertaintyMs } = await clockOf(() => link.hello());
    return { role: roleOf(hello), aheadMs, uncertaintyMs };
  } finally {
    await link.close();
  }
}

function roleOf(hello: Document): 'primary' | 'secondary' | 'arbiter' | 'other' {
  if (hello.isWritablePrimary) return 'primary';
  if (hello.secondary) return 'secondary';
  return hello.arbiterOnly ? 'arbiter' : 'other';
}
