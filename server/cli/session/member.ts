import type { MemberLink } from '../../doctor/ask/ask-members.ts';
import { peer } from './connection.ts';

/** Of a URI only these options say how to reach a server; a set, a login and a concern belong to the whole. */
const KEPT = /^(tls|ssl|proxy|connectTimeoutMS$|family$)/i;

/** Writes the URI of one member of the set that a URI names, for a client that does not log in. */
export function memberUri(uri: string, host: string): string {
  const [, protocol, query] = /^(mongodb(?:\+srv)?):\/\/[^/?]+(?:\/[^?]*)?(?:\?(.*))?$/.exec(uri) ?? [];
  const options = new URLSearchParams();
  // Those who are found by a DNS record speak TLS unless they say otherwise.
  if (protocol === 'mongodb+srv') options.set('tls', 'true');
  for (const [name, value] of new URLSearchParams(query)) if (KEPT.test(name)) options.set(name, value);
  options.set('directConnection', 'true');
  return `mongodb://${host}/?${options}`;
}

/** Connects to one member of the set, by the driver. */
export async function connectToMember(uri: string, host: string): Promise<MemberLink> {
  const { MongoClient } = await peer('mongodb', () => import('mongodb'));
  const client = new MongoClient(memberUri(uri, host), {
    appName: 'latchkey doctor',
    serverSelectionTimeoutMS: 2_000,
  });
  return {
    hello: () => client.db('admin').command({ hello: 1 }),
    close: () => client.close(),
  };
}
