import type { ViewOptions } from './json-view-options.ts';

/** A frame is an object or a list that has begun and has not ended yet. */
export interface Frame {
  readonly isObject: boolean;
  readonly path: readonly string[];
  /** The fields, or the items of the list, go by these names besides their own. */
  readonly names: readonly string[];
  /** Tells whether this is the answer of an operation with a secret name: what may be the secret itself is hidden. */
  readonly isSecretAnswer: boolean;
  /** The view expects this next. */
  next: 'name' | 'colon' | 'value' | 'comma';
  isEmpty: boolean;
  name: string;
  /** In a list, this is the text before: in `["password", "…"]` it is a name. */
  before: string | undefined;
  /** In `{ "name": "password", "value": "…" }`, this is the name that the entry gives: `password`. */
  entry: string | undefined;
  /**
   * Tells whether the rest of the list is hidden. In devalue's form a list holds names, and their values further on.
   */
  hidesRest: boolean;
}

const LONGEST_PATH = 3;

interface NewFrame {
  readonly isObject: boolean;
  readonly path: readonly string[];
  readonly names: readonly string[];
  readonly isSecretAnswer: boolean;
}

export function newFrame({ isObject, path, names, isSecretAnswer }: NewFrame): Frame {
  return {
    isObject,
    path,
    names,
    isSecretAnswer,
    next: isObject ? 'name' : 'value',
    isEmpty: true,
    name: '',
    before: undefined,
    entry: undefined,
    hidesRest: false,
  };
}

/** Makes the path of the value that comes next in a frame. */
export function pathIn(frame: Frame | undefined): readonly string[] {
  if (!frame) return [];
  if (!frame.isObject || frame.path.length >= LONGEST_PATH) return frame.path;
  return [...frame.path, frame.name];
}

/** Finds the names that the value goes by which comes next in a frame. */
export function namesIn(
  frame: Frame | undefined,
  path: readonly string[],
  namesOf: ViewOptions['namesOf'],
): readonly string[] {
  if (!frame) return [];
  if (!frame.isObject) return frame.names;
  const others = namesOf?.(frame.name, { path });
  return others ? [frame.name, ...others] : [frame.name];
}
