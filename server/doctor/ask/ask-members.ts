import type { Document } from '../../mongodb/database.ts';
import type { MemberFacts, MemberRole } from '../facts.ts';
import { clockOf } from './ask-server.ts';
import type { Ask } from './asking.ts';

/** A `MemberLink` is a connection to one member, which nobody logs in to: every server answers `hello`. */
export interface MemberLink {
  hello(): Promise<Document>;
  close(): Promise<void>;
}

/** Asks each member of the set by a connection of its own. */
export function askMembers(
  hosts: readonly string[],
  connectTo: (host: string) => Promise<MemberLink>,
  ask: Ask,
): Promise<MemberFacts[]> {
  return Promise.all(
    hosts.map(async (host) => ({ host, asked: await ask(() => askMember(host, connectTo)) })),
  );
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

function roleOf(hello: Document): MemberRole {
  if (hello.isWritablePrimary) return 'primary';
  if (hello.secondary) return 'secondary';
  return hello.arbiterOnly ? 'arbiter' : 'other';
}
