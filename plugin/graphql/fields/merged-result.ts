import type { ExecutionResult } from 'graphql';

/** The results of the parts of one operation, put together to that of the whole. */
export class MergedResult {
  readonly #parts: ExecutionResult[] = [];

  add(part: ExecutionResult): void {
    this.#parts.push(part);
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /** True when the last part has no data: an execution of the whole operation would have none either, and would have ended here. */
  get isNull(): boolean {
    return this.#parts.at(-1)?.data === null;
  }

  result(): ExecutionResult {
    const errors = this.#parts.flatMap((part) => part.errors ?? []);
    const extensions = this.#parts.flatMap((part) => part.extensions ?? []);
    // Without a prototype, as executors have it: `__proto__` is a response key like any other.
    const data = this.isNull
      ? null
      : Object.assign(Object.create(null), ...this.#parts.map((part) => part.data));
    // Executors put errors first. Keys that are there keep their place.
    const shape = this.#parts.find((part) => part.errors?.length) ?? this.#parts[0];
    // GraphQL JIT puts a serialiser on its results, which knows the fields of one part only.
    const { stringify: _, ...ofShape } = { stringify: undefined, ...shape };
    return {
      ...ofShape,
      ...(errors.length > 0 && { errors }),
      data,
      ...(extensions.length > 0 && { extensions: Object.assign({}, ...extensions) }),
    };
  }
}
