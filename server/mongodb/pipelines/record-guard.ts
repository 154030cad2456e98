import { FIELD_TYPES, HIGHEST_COUNT, RECORD_VERSION, STATES } from '../../engine/record.ts';
import type { Document } from '../database.ts';
import { choose } from './expressions.ts';

type Fields = (typeof FIELD_TYPES)['every'];
type FieldType = Fields[string];

// A JavaScript Date can hold this; a BSON date goes further.
const FIRST_DATE = new Date(-8.64e15);
const LAST_DATE = new Date(8.64e15);

/** `readRecord` as an aggregation expression, built from the same table: true for a record that this release understands. */
export const IS_READABLE: Document = {
  $and: [
    { $in: [{ $type: '$v' }, ['int', 'long', 'double']] },
    { $eq: ['$v', RECORD_VERSION] },
    ...guards(FIELD_TYPES.every),
    choose(
      STATES.map((state) => [{ $eq: ['$state', state] }, { $and: guards(FIELD_TYPES[state]) }]),
      false,
    ),
  ],
};

/** Makes one condition for all fields of a type. The pipeline travels with every claim, so it must stay small. */
function guards(fields: Fields): Document[] {
  const byType = new Map<FieldType, string[]>();
  for (const [name, type] of Object.entries(fields)) {
    byType.set(type, [...(byType.get(type) ?? []), `$${name}`]);
  }
  return [...byType].map(([type, paths]) => guard(type, paths));
}

function guard(type: FieldType, paths: string[]): Document {
  switch (type) {
    case 'string':
      return typesAreIn(paths, ['string']);
    case 'string?':
      return typesAreIn(paths, ['string', 'missing', 'undefined']);
    case 'boolean?':
      return typesAreIn(paths, ['bool', 'missing', 'undefined']);
    case 'count':
      return every(paths, [
        { $in: [{ $type: '$$this' }, ['int', 'long', 'double']] },
        { $gte: ['$$this', 1] },
        { $lte: ['$$this', HIGHEST_COUNT] },
        { $eq: [{ $mod: ['$$this', 1] }, 0] },
      ]);
    case 'date':
      // Values of other types sort before or after all dates.
      return every(paths, [{ $gte: ['$$this', FIRST_DATE] }, { $lte: ['$$this', LAST_DATE] }]);
    case 'named?':
      return { $and: paths.map(isNamed) };
    default:
      return type satisfies never;
  }
}

/** Missing, or a list of objects that each have a name. */
function isNamed(path: string): Document {
  const types = { $map: { input: path, in: { $type: '$$this.name' } } };
  return {
    $cond: [
      { $isArray: path },
      { $setIsSubset: [types, ['string']] },
      typesAreIn([path], ['missing', 'undefined']),
    ],
  };
}

function typesAreIn(paths: string[], types: string[]): Document {
  return { $setIsSubset: [paths.map((path) => ({ $type: path })), types] };
}

function every(paths: string[], conditions: Document[]): Document {
  return { $allElementsTrue: [{ $map: { input: paths, in: { $and: conditions } } }] };
}
