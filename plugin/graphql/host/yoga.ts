import type { ExecutionResult } from 'graphql';
import { EXPIRES_HEADER, httpDate } from '../../../server/http/expires-header.ts';
import type { Mask } from './error-codec.ts';
import { isHandshake } from './handshake.ts';
import type { YogaHooks } from './plugin.ts';
import { maskOf } from './yoga-mask.ts';

const REPLAYED = Symbol.for('latchkey.graphql.replayed/2');

/** The mark of a replay: until when it is one, where that is known. */
interface Replayed {
  readonly expiresAt: Date | undefined;
}

/** `Yoga` knows the Yoga server that this plugin is in. Under plain Envelop it knows nothing. */
export class Yoga {
  readonly hooks: YogaHooks = {
    onYogaInit: ({ yoga }) => {
      this.#present = true;
      this.#mask = maskOf(yoga);
    },
    onRequestParse: ({ request }) => ({
      onRequestParseDone: ({ requestParserResult: operations }) => {
        if (Array.isArray(operations)) this.#batches.set(request, operations.length);
      },
    }),
    onResultProcess: ({ request, result }) => {
      if (typeof result === 'object' && result !== null && REPLAYED in result)
        this.#replays.set(request, result[REPLAYED] as Replayed);
    },
    onResponse: ({ request, response }) => {
      const replayed = this.#replays.get(request);
      if (!replayed) return;
      setHeader(response.headers, 'Idempotent-Replayed', 'true');
      if (replayed.expiresAt) setHeader(response.headers, EXPIRES_HEADER, httpDate(replayed.expiresAt));
    },
  };
  // About requests, never about one of the operations in them.
  readonly #batches = new WeakMap<object, number>();
  readonly #replays = new WeakMap<object, Replayed>();
  #present = false;
  #mask: Mask | undefined;

  /** The server's `maskError`; undefined where it is not known. */
  get mask(): Mask | undefined {
    return this.#mask;
  }

  /** Tells whether the HTTP request of this context carries several operations. */
  isShared(context: unknown): boolean {
    const request = requestOf(context);
    return request !== undefined && (this.#batches.get(request) ?? 0) > 1;
  }

  /**
   * Says that a result is a replay: by a header where there is one for it, which leaves the body as it was; else in the
   * body's extensions. The mark for the header travels with the result, by a symbol that JSON does not show.
   */
  markReplayed(result: ExecutionResult, context: unknown, expiresAt: Date | undefined): ExecutionResult {
    const request = requestOf(context);
    if (this.#present && request && !isHandshake(request) && !this.#batches.has(request)) {
      return Object.assign(result, { [REPLAYED]: { expiresAt } satisfies Replayed });
    }
    return withExtension(result, true);
  }

  /** Says of some fields of a result, by response key, that they are replays, and that the others are not. */
  markReplayedFields(result: ExecutionResult, responseKeys: readonly string[]): ExecutionResult {
    return withExtension(result, responseKeys);
  }
}

function withExtension(result: ExecutionResult, replayed: true | readonly string[]): ExecutionResult {
  return { ...result, extensions: { ...result.extensions, idempotency: { replayed } } };
}

/** A response that another plugin has fetched can not be marked; an error here would end the process. */
function setHeader(headers: Pick<Headers, 'set'>, name: string, value: string): void {
  try {
    headers.set(name, value);
  } catch {
    // Immutable, as the standard has it for what `fetch` returned.
  }
}

function requestOf(context: unknown): { method?: unknown } | undefined {
  const request = (context as { request?: unknown } | undefined)?.request;
  return typeof request === 'object' && request !== null ? request : undefined;
}
