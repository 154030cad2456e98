import type { Idempotency } from '../../../server/idempotency.ts';
import { armed, disarmed, speaksOfArms } from './armed-document.ts';
import type { Execute, Result, Sentinel } from './plugin.ts';

/** `Protected` describes an operation that needs protection, for a message when it did not get it. */
export interface Protected {
  /** The operation's root fields. */
  readonly operation: string;
  /** The keys of the operation or of its fields; none where a key is missing. */
  readonly keys: readonly { readonly key: string; readonly scope: () => Promise<string> }[];
  /** Whose listener is told; undefined where that is not known yet. */
  readonly idempotency: Idempotency | undefined;
}

/** `refused`: nothing ran. `ran`: it was executed without protection. */
export type Bypass = 'refused' | 'ran';

/** A `Passage` is one execution of an operation that needs protection. */
interface Passage extends Protected {
  /** Our own function in the chain. */
  readonly entrance: Execute;
  entered: boolean;
  guarded: boolean;
}

/**
 * Sees to it that operations which need protection come by our own function. Envelop lets each plugin replace the executor,
 * and with it all that plugins before have put around it, and tells nobody.
 *
 * So a sentinel comes last in the pipeline. Where the executor is not ours there, a plugin has wrapped ours, which is
 * right, or replaced it, which can not be told apart by looking at it. It is called with a document that every executor
 * refuses (`armed`) and that only our function sets right: what passes us by does not run (docs/adr/0006).
 */
export class ProtectedPath {
  readonly #passages = new WeakMap<object, Passage>();
  readonly #tell: (what: Protected, bypass: Bypass) => Error;
  // Something has been executed that was not to be: no operation is let through on the chance that it is not.
  #isClosed = false;

  /** @param tell reports it, and makes the error that is answered */
  constructor(tell: (what: Protected, bypass: Bypass) => Error) {
    this.#tell = tell;
  }

  /** Our function, as it belongs into the chain. */
  entrance(args: object, execute: Execute, what: Protected): Execute {
    const passage: Passage = {
      ...what,
      entered: false,
      guarded: false,
      entrance(inner) {
        passage.entered = true;
        const document = disarmed(inner.document);
        return execute(document === inner.document ? inner : { ...inner, document });
      },
    };
    this.#passages.set(args, passage);
    return passage.entrance;
  }

  /** The last plugin of the pipeline. */
  readonly sentinel: Sentinel = {
    onExecute: ({ args, executeFn, setExecuteFn }) => {
      const passage = this.#passages.get(args);
      if (!passage) return undefined;
      if (this.#isClosed) throw this.#tell(passage, 'refused');
      if (executeFn !== passage.entrance) setExecuteFn(this.#guard(passage, executeFn));
      return {
        // A plugin that came even after this one.
        onExecuteDone: ({ result }) => {
          if (!passage.guarded && !passage.entered) this.#judge(passage, result);
        },
      };
    },
  };

  #guard(passage: Passage, executeFn: Execute): Execute {
    return async (inner) => {
      passage.guarded = true;
      let result: Result;
      try {
        result = await executeFn({ ...inner, document: armed(inner.document, inner.operationName) });
      } catch (error) {
        if (passage.entered || !speaksOfArms([error])) throw error;
        throw this.#tell(passage, 'refused');
      }
      if (!passage.entered) this.#judge(passage, result);
      return result;
    };
  }

  /** Errors alone are those of a plugin that wraps ours and has refused the operation. @throws where ours was replaced */
  #judge(passage: Passage, result: Result): void {
    const isStream = Symbol.asyncIterator in result;
    if (!isStream && speaksOfArms(result.errors ?? [])) throw this.#tell(passage, 'refused');
    if (!isStream && result.data === undefined) return;
    this.#isClosed = true;
    throw this.#tell(passage, 'ran');
  }
}
