/** A document or a value in it. `undefined` is a field that is missing. */
export type Value = unknown;
export type Doc = Record<string, Value>;
type Variables = Readonly<Record<string, Value>>;
type Evaluate = (root: Value, variables: Variables) => Value;

/** What the server says of a statement that it can not carry out. */
export class StatementFailed extends Error {
  readonly code: number;
  /** The fields of the unique index that has the value already. */
  readonly keyPattern: Doc | undefined;

  constructor(code: number, message: string, keyPattern?: Doc) {
    super(message);
    this.code = code;
    this.keyPattern = keyPattern;
  }
}

const compiled = new WeakMap<object, Evaluate>();

/**
 * Evaluates the part of MongoDB's aggregation language that the statements of the store use. Any other operator is an error, so that
 * a new one is modelled before it is simulated; test/simulation/model.test.ts compares each with a real mongod.
 * @param variables `NOW`, and the constants of the statement
 */
export function evaluate(expression: Value, root: Value, variables: Variables): Value {
  return compile(expression)(root, variables);
}

/** Runs an update pipeline on a document. */
export function updated(document: Doc, pipeline: readonly Doc[], variables: Variables): Doc {
  let current = document;
  for (const stage of pipeline) current = afterStage(current, stage, variables);
  return current;
}

/**
 * Runs a classic update on a document: its values are data. Fields that are new come last, in the order of their names.
 * @throws Error for an operator that is not modelled
 */
export function plainlyUpdated(document: Doc, { $set = {}, $unset = {}, ...others }: Doc): Doc {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new Error(`No model of the update operator ${unknown}`);
  const next = { ...document };
  for (const name of Object.keys($unset as Doc)) delete next[name];
  const byName = ([one]: [string, Value], [other]: [string, Value]) => (one < other ? -1 : 1);
  for (const [name, value] of Object.entries($set as Doc).sort(byName)) next[name] = value;
  return next;
}

function afterStage(current: Doc, stage: Doc, variables: Variables): Doc {
  if (stage.$replaceWith !== undefined) {
    const replaced = evaluate(stage.$replaceWith, current, variables);
    if (typeOf(replaced) !== 'object') throw new StatementFailed(40_228, 'replaceWith gave no document');
    return { _id: current._id, ...(replaced as Doc) };
  }
  if (stage.$set === undefined) throw new Error(`No model of the stage ${Object.keys(stage)}`);
  const next = { ...current };
  for (const [name, expression] of Object.entries(stage.$set as Doc)) {
    const value = evaluate(expression, current, variables);
    if (value === undefined) delete next[name];
    else next[name] = value;
  }
  return next;
}

function compile(expression: Value): Evaluate {
  if (typeof expression === 'string') return compilePath(expression);
  if (typeof expression !== 'object' || expression === null || isDate(expression)) return () => expression;
  const known = compiled.get(expression);
  if (known) return known;
  const made = Array.isArray(expression) ? compileList(expression) : compileObject(expression as Doc);
  compiled.set(expression, made);
  return made;
}

function compilePath(text: string): Evaluate {
  if (!text.startsWith('$')) return () => text;
  if (!text.startsWith('$$')) {
    const path = text.slice(1).split('.');
    return (root) => at(root, path);
  }
  const [name = '', ...path] = text.slice(2).split('.');
  if (name === 'REMOVE') return () => undefined;
  if (name === 'ROOT') return (root) => at(root, path);
  return (_, variables) => {
    if (!(name in variables)) throw new Error(`Use of undefined variable: ${name}`);
    return at(variables[name], path);
  };
}

function at(value: Value, path: readonly string[]): Value {
  if (path.length === 0) return value;
  if (Array.isArray(value)) return value.map((item) => at(item, path)).filter((item) => item !== undefined);
  if (typeOf(value) !== 'object') return undefined;
  return at((value as Doc)[path[0] as string], path.slice(1));
}

function compileList(list: readonly Value[]): Evaluate {
  const items = list.map(compile);
  return (root, variables) => items.map((item) => item(root, variables) ?? null);
}

function compileObject(object: Doc): Evaluate {
  const [name = '', ...others] = Object.keys(object);
  if (others.length === 0 && name.startsWith('$')) {
    const operator = OPERATORS[name];
    if (!operator) throw new Error(`No model of the operator ${name}`);
    return operator(object[name]);
  }
  const fields = Object.entries(object).map(([field, value]) => [field, compile(value)] as const);
  return (root, variables) => {
    const made: Doc = {};
    for (const [field, value] of fields) {
      const found = value(root, variables);
      if (found !== undefined) made[field] = found;
    }
    return made;
  };
}

/** An operator whose operands are evaluated before it is. One operand may stand without its brackets. */
const strict =
  (apply: (...operands: Value[]) => Value) =>
  (given: Value): Evaluate => {
    const operands = (Array.isArray(given) ? given : [given]).map(compile);
    return (root, variables) => apply(...operands.map((operand) => operand(root, variables)));
  };

const OPERATORS: Readonly<Record<string, (given: Value) => Evaluate>> = {
  $literal: (given) => () => given,
  $eq: strict((one, other) => compare(one, other) === 0),
  $ne: strict((one, other) => compare(one, other) !== 0),
  $gt: strict((one, other) => compare(one, other) > 0),
  $gte: strict((one, other) => compare(one, other) >= 0),
  $lte: strict((one, other) => compare(one, other) <= 0),
  $not: strict((value) => !isTrue(value)),
  $isArray: strict((value) => Array.isArray(value)),
  $type: strict(typeOf),
  $bsonSize: strict((value) => JSON.stringify(value).length),
  $toDouble: strict((value) => (isNone(value) ? null : Number(value))),
  $first: strict((list) => (isNone(list) ? null : (list as Value[])[0])),
  $max: strict((...values) => {
    const some = values.filter((value) => !isNone(value));
    return some.length === 0 ? null : some.reduce((one, other) => (compare(other, one) > 0 ? other : one));
  }),
  $mod: strict((value, by) => (isNone(value) ? null : numeric('$mod', value) % (by as number))),
  $add: strict((...values) => {
    if (values.some(isNone)) return null;
    const sum = values.reduce<number>(
      (total, value) => total + (isDate(value) ? value.getTime() : numeric('$add', value)),
      0,
    );
    return values.some(isDate) ? new Date(sum) : sum;
  }),
  $subtract: strict((from, value) => (isNone(from) || isNone(value) ? null : Number(from) - Number(value))),
  $in: strict((value, list) => {
    if (!Array.isArray(list)) throw new StatementFailed(40_081, '$in requires an array as a second argument');
    return list.some((item) => compare(item, value) === 0);
  }),
  $arrayElemAt: strict((list, index) => (isNone(list) ? null : (list as Value[]).at(index as number))),
  $split: strict((text, by) => {
    if (isNone(text)) return null;
    if (typeof text !== 'string') throw new StatementFailed(40_085, '$split requires a string');
    return text.split(by as string);
  }),
  $slice: strict((list, count) => (isNone(list) ? null : (list as Value[]).slice(count as number))),
  $concatArrays: strict((...lists) => {
    if (lists.some(isNone)) return null;
    if (!lists.every(Array.isArray)) throw new StatementFailed(28_664, '$concatArrays only supports arrays');
    return lists.flat(1);
  }),
  $mergeObjects: strict((...objects) => {
    const some = objects.filter((object) => !isNone(object));
    if (some.some((object) => typeOf(object) !== 'object'))
      throw new StatementFailed(40_400, '$mergeObjects requires objects');
    return Object.assign({}, ...(some as Doc[]));
  }),
  $setIsSubset: strict((some, all) =>
    (some as Value[]).every((item) => (all as Value[]).some((other) => compare(item, other) === 0)),
  ),
  $allElementsTrue: strict((list) => (list as Value[]).every(isTrue)),
  $and: (given) => {
    const conditions = (given as Value[]).map(compile);
    return (root, variables) => conditions.every((condition) => isTrue(condition(root, variables)));
  },
  $or: (given) => {
    const conditions = (given as Value[]).map(compile);
    return (root, variables) => conditions.some((condition) => isTrue(condition(root, variables)));
  },
  $ifNull: (given) => {
    const values = (given as Value[]).map(compile);
    return (root, variables) => {
      let last: Value;
      for (const value of values) {
        last = value(root, variables);
        if (!isNone(last)) return last;
      }
      return last;
    };
  },
  $cond: (given) => {
    const [condition, yes, no] = (given as Value[]).map(compile) as [Evaluate, Evaluate, Evaluate];
    return (root, variables) =>
      isTrue(condition(root, variables)) ? yes(root, variables) : no(root, variables);
  },
  $switch: (given) => {
    const { branches, default: otherwise } = given as {
      branches: { case: Value; then: Value }[];
      default: Value;
    };
    const compiledBranches = branches.map((branch) => [compile(branch.case), compile(branch.then)] as const);
    const last = compile(otherwise);
    return (root, variables) => {
      const taken = compiledBranches.find(([condition]) => isTrue(condition(root, variables)));
      return (taken ? taken[1] : last)(root, variables);
    };
  },
  $let: (given) => {
    const { vars, in: body } = given as { vars: Doc; in: Value };
    const names = Object.entries(vars).map(([name, value]) => [name, compile(value)] as const);
    const inner = compile(body);
    return (root, variables) =>
      inner(root, {
        ...variables,
        ...Object.fromEntries(names.map(([name, value]) => [name, value(root, variables)])),
      });
  },
  $map: (given) => {
    const { input, in: body } = given as { input: Value; in: Value };
    const list = compile(input);
    const inner = compile(body);
    return (root, variables) => {
      const items = list(root, variables);
      if (isNone(items)) return null;
      return (items as Value[]).map((item) => inner(root, { ...variables, this: item }) ?? null);
    };
  },
  $unsetField: (given) => {
    const { field, input } = given as { field: string; input: Value };
    const object = compile(input);
    return (root, variables) => {
      const { [field]: _, ...rest } = object(root, variables) as Doc;
      return rest;
    };
  },
};

const isNone = (value: Value): value is null | undefined => value === null || value === undefined;
const isTrue = (value: Value) => !(isNone(value) || value === false || value === 0);
export const isDate = (value: Value): value is Date => value instanceof Date;

function numeric(operator: string, value: Value): number {
  if (typeof value !== 'number')
    throw new StatementFailed(14, `${operator} only supports numbers, got ${typeOf(value)}`);
  return value;
}

function typeOf(value: Value): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (isDate(value)) return 'date';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value !== 'number') return typeof value;
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? 'int' : 'double';
}

// MongoDB's order of types; those that are not here are not modelled.
const RANK: Readonly<Record<string, number>> = {
  missing: 0,
  null: 1,
  int: 2,
  double: 2,
  string: 3,
  object: 4,
  array: 5,
  bool: 8,
  date: 9,
};

/** Compares as MongoDB does: by type first, then by value. */
export function compare(one: Value, other: Value): number {
  const byType = (RANK[typeOf(one)] ?? 99) - (RANK[typeOf(other)] ?? 99);
  if (byType !== 0) return byType;
  if (Array.isArray(one)) return compareLists(one, other as Value[]);
  if (typeOf(one) === 'object')
    return compareLists(Object.entries(one as Doc).flat(), Object.entries(other as Doc).flat());
  const [left, right] = [isDate(one) ? one.getTime() : one, isDate(other) ? other.getTime() : other] as [
    number,
    number,
  ];
  if (Object.is(left, right) || left === right) return 0;
  if (Number.isNaN(left)) return -1;
  return Number.isNaN(right) || left > right ? 1 : -1;
}

function compareLists(one: readonly Value[], other: readonly Value[]): number {
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const found = compare(one[i], other[i]);
    if (found !== 0) return found;
  }
  return one.length - other.length;
}
