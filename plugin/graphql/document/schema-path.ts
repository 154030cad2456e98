import {
  type GraphQLField,
  type GraphQLInputType,
  getNullableType,
  isInputObjectType,
  isListType,
  isScalarType,
  isSpecifiedScalarType,
} from 'graphql';
import type { Path } from '../../../server/engine/paths.ts';

interface Typed {
  readonly name: string;
  readonly type: GraphQLInputType;
}

/** Tells whether a path leads to something in the arguments of a field. Any path into a custom scalar does, since its content is not known. */
export function leadsSomewhere(path: Path, { args }: GraphQLField<unknown, unknown>): boolean {
  return someNamed(args, path);
}

function someNamed(inputs: readonly Typed[], [name, ...rest]: Path): boolean {
  return inputs.some((input) => (name === '*' || name === input.name) && isIn(input.type, rest));
}

function isIn(declared: GraphQLInputType, path: Path): boolean {
  if (path.length === 0) return true;
  const type = getNullableType(declared);
  if (isListType(type)) return path[0] === '*' && isIn(type.ofType, path.slice(1));
  if (isInputObjectType(type)) return someNamed(Object.values(type.getFields()), path);
  return isScalarType(type) && !isSpecifiedScalarType(type);
}
