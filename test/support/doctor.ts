import type { Db } from 'mongodb';
import { openClient } from '../../server/cli/session/connection.ts';
import { connectToMember } from '../../server/cli/session/member.ts';
import { askCollections, askRecords } from '../../server/doctor/ask/ask-collections.ts';
import { askFacts, type Place } from '../../server/doctor/ask/ask-facts.ts';
import { asking } from '../../server/doctor/ask/asking.ts';
import type { Facts } from '../../server/doctor/facts.ts';
import type { Finding, FindingState, Topic } from '../../server/doctor/finding.ts';
import { judge } from '../../server/doctor/judge/judge.ts';
import { Collection } from '../../server/mongodb/database.ts';
import { loginOf } from '../../server/mongodb/setup/rights.ts';
import { factsOf } from '../doctor/facts.ts';

export interface Examined {
  readonly facts: Facts;
  readonly findings: readonly Finding[];
  /** The first finding of a topic, or that about a collection. */
  of(topic: Topic, about?: string): Finding;
  /** The topics of the findings in a state, each once. */
  topics(state: FindingState): Topic[];
}

/** What `latchkey doctor` finds, without a process of its own. */
export async function examine(
  uri: string,
  { database = 'shop', connectTo }: { database?: string; connectTo?: Place['connectTo'] } = {},
): Promise<Examined> {
  const options = { uri, db: database, collection: 'idempotency_keys' };
  const { client, ...opened } = await openClient(options, { needsPrimary: false });
  await using _ = client;
  const place = {
    ...opened,
    connectTo: connectTo ?? ((host: string) => connectToMember(uri, host)),
  };
  const { signal } = new AbortController();
  return examined(await askFacts(place, { onProgress: () => {}, signal }));
}

/** What it finds out about the collections alone: the rest takes longer, and is of a server where all is well. */
export async function examineCollections(db: Db): Promise<Examined> {
  const keys = new Collection(db, 'idempotency_keys');
  const ask = asking(new AbortController().signal);
  const login = await ask(() => loginOf(keys));
  const collections = await askCollections(keys, login, ask);
  const records = await askRecords(keys, factsOf().server, ask);
  return examined(factsOf({ database: db.databaseName, login, collections, records }));
}

function examined(facts: Facts): Examined {
  const findings = judge(facts);
  return {
    facts,
    findings,
    of(topic, about) {
      const found = findings.find(
        (one) => one.topic === topic && (about === undefined || one.about === about),
      );
      if (!found) throw new Error(`No finding about ${topic} ${about ?? ''}`);
      return found;
    },
    topics(state) {
      return [...new Set(findings.filter((one) => one.state === state).map(({ topic }) => topic))];
    },
  };
}
