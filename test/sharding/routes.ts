import type { Document } from 'mongodb';

/**
 * A `Route` says which shards a mongos asks for a command, where the shard key is `{ scope: 1, key: 1 }`: the one shard of a record, the
 * shards of a scope, or all of them.
 */
export type Route = 'record' | 'scope' | 'all shards';

/** A command as the driver sent it, and where a mongos would send it. */
export interface Routed {
  readonly does: 'reads' | 'writes' | 'makes indexes';
  readonly route: Route;
}

const FIELDS = ['scope', 'key'] as const;

/** Says where a mongos sends each part of a command. */
export function routesOf(command: Document): readonly Routed[] {
  if (command.find) return [{ does: 'reads', route: routeOf(command.filter) }];
  if (command.aggregate) return [{ does: 'reads', route: routeOf(command.pipeline[0]?.$match ?? {}) }];
  if (command.update)
    return command.updates.map(({ q }: Document) => ({ does: 'writes', route: routeOf(q) }));
  if (command.delete)
    return command.deletes.map(({ q }: Document) => ({ does: 'writes', route: routeOf(q) }));
  if (command.insert)
    return command.documents.map((document: Document) => ({ does: 'writes', route: routeOf(document) }));
  if (command.findAndModify) return [{ does: 'writes', route: routeOf(command.query) }];
  if (command.createIndexes || command.listIndexes) return [{ does: 'makes indexes', route: 'all shards' }];
  throw new Error(`Expected a command whose route is known, got ${Object.keys(command)[0]}`);
}

/** Single writes have no choice: a mongos refuses an upsert, and asks every shard for an update, whose filter lacks a part of the key. */
export function isSingle(command: Document): boolean {
  const writes = [...(command.updates ?? []), ...(command.deletes ?? [])] as Document[];
  return writes.every(({ multi, limit }) => !multi && limit !== 0);
}

/** A filter with branches asks for what all of its branches ask for. */
function routeOf(filter: Document): Route {
  const branches = filter.$or as Document[] | undefined;
  if (branches && Object.keys(filter).length === 1) return widest(branches.map(routeOf));
  const conditions = [filter, ...((filter.$and ?? []) as Document[])];
  const [scope, key] = FIELDS.map((field) =>
    conditions.map((one) => one[field]).find((one) => one !== undefined),
  );
  if (isEqualTo(scope) && isEqualTo(key)) return 'record';
  if (isEqualTo(scope) || isRange(scope)) return 'scope';
  const nested = conditions.map(({ $or }) => $or as Document[] | undefined).filter((or) => or !== undefined);
  return nested.some((or) => widest(or.map(routeOf)) === 'scope') ? 'scope' : 'all shards';
}

const WIDER: readonly Route[] = ['record', 'scope', 'all shards'];

function widest(routes: readonly Route[]): Route {
  return WIDER[Math.max(...routes.map((route) => WIDER.indexOf(route)))] as Route;
}

/** Equality, or a list of values: a mongos takes each of them for a point of the shard key. */
function isEqualTo(condition: unknown): boolean {
  if (typeof condition === 'string') return true;
  const names = Object.keys((condition ?? {}) as object);
  return names.length === 1 && (names[0] === '$eq' || names[0] === '$in');
}

const isRange = (condition: unknown): boolean =>
  ['$gte', '$gt'].some((name) => name in Object(condition)) &&
  ['$lt', '$lte'].some((name) => name in Object(condition));
