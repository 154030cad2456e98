import { type Collection, type Document, SIMPLE } from './database.ts';
import { LOCK_KEY } from './indexes.ts';

/** The commands that shard the collection of the keys, as somebody would type them in mongosh, at a mongos. */
export interface ShardingCommands {
  /** This one shards the collection on the fields of the lock. It needs the lock to be there. */
  readonly shard: string;
  /** An example: it keeps the keys of the tenant `eu`, and of all scopes below it, on the shards of a zone. */
  readonly zones: readonly string[];
}

/** The command itself. A hashed key could not be unique; and strings are compared byte by byte, whatever the collection's own collation. */
function shardCommand({ namespace }: Pick<Collection, 'namespace'>): Document {
  return { shardCollection: namespace, key: LOCK_KEY, unique: true, collation: SIMPLE };
}

export function shardingCommands(collection: Pick<Collection, 'namespace'>): ShardingCommands {
  const namespace = JSON.stringify(collection.namespace);
  const zone = (from: string, to: string) => `sh.updateZoneKeyRange(${namespace}, ${from}, ${to}, "EU")`;
  return {
    shard: `db.adminCommand(${JSON.stringify(shardCommand(collection))})`,
    zones: [
      'sh.addShardToZone("<a shard>", "EU")',
      zone('{ scope: "eu", key: MinKey }', '{ scope: "eu", key: MaxKey }'),
      // `0` is the character after `/`, so this is what begins with `eu/`.
      zone('{ scope: "eu/", key: MinKey }', '{ scope: "eu0", key: MinKey }'),
    ],
  };
}
