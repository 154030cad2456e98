import { internalsOf } from '../../../server/adapter/internals.ts';
import { withHelp } from '../../../server/engine/with-help.ts';
import type { Bypass, Protected } from './protected-path.ts';

const ORDER =
  'List the plugins that bring an executor (useEngine, useGraphQlJit, a remote executor) before useIdempotency, and those ' +
  'that wrap the execution after it';

const noKey: Protected['keys'][number] = { key: '', scope: async () => '' };

/** Says, wherever somebody may look, that operations do not come by this plugin. */
export class BypassReport {
  readonly #warned = new Set<Bypass>();

  /**
   * Warns once in the life of a process, and tells the event listener each time.
   * @returns the error to answer with
   */
  tell(what: Protected, bypass: Bypass): Error {
    const message = withHelp(messageOf(what, bypass), 'plugin-order');
    if (!this.#warned.has(bypass)) process.emitWarning(message, { type: 'LatchkeyWarning' });
    this.#warned.add(bypass);
    void this.#report(what, bypass);
    return new TypeError(message);
  }

  async #report({ operation, keys, idempotency }: Protected, reason: Bypass): Promise<void> {
    if (!idempotency) return;
    for (const { key, scope } of keys.length > 0 ? keys : [noKey]) {
      const owner = await scope().catch(() => '');
      internalsOf(idempotency).report({ type: 'unprotected', scope: owner, key, operation, reason });
    }
  }
}

function messageOf({ operation }: Protected, bypass: Bypass): string {
  const cause = 'a plugin that is listed after it replaced the executor instead of wrapping it';
  switch (bypass) {
    case 'refused':
      return `The mutation ${operation} does not come by useIdempotency and was refused, nothing ran: ${cause}. ${ORDER}`;
    case 'ran':
      return (
        `The mutation ${operation} ran without the protection of useIdempotency: ${cause}. Its answer is withheld, and from ` +
        `now on mutations that need protection are refused before they run. ${ORDER}`
      );
    default:
      return bypass satisfies never;
  }
}
