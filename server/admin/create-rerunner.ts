import type { CapturedRequest, ReplayPrincipal, Rerunner } from './rerunner.ts';

/** `RerunnerParts` differ by API. Who may send a request, and what is said of its answer, is the same for all. */
export interface RerunnerParts<Principal extends ReplayPrincipal>
  extends Pick<Rerunner, 'format' | 'response'> {
  /** The developer's function, which finds the principal. */
  readonly context: (request: CapturedRequest) => Principal | null | Promise<Principal | null>;
  /** Says why the API would not take the request any more; null when it would. */
  problemOf(request: CapturedRequest): string | null | Promise<string | null>;
  send(request: CapturedRequest, principal: Principal): Promise<ReplayAnswer>;
}

export interface ReplayAnswer {
  /** The error, in words; null for a success. */
  readonly error: string | null;
  /** True when the answer is that of another run of the key. */
  readonly replayed: boolean;
}

/** Makes a rerunner of the parts that an API has of its own. */
export function createRerunner<Principal extends ReplayPrincipal>(parts: RerunnerParts<Principal>): Rerunner {
  const { format, response, context, problemOf, send } = parts;
  return {
    format,
    response,

    async check(request) {
      const principal = await context(request);
      const why = scopeRefusal(principal, request) ?? (await problemOf(request));
      const who = principal?.principal;
      return why === null
        ? { possible: true, principal: who ?? '' }
        : { possible: false, why, ...(who !== undefined && { principal: who }) };
    },

    async run(request) {
      const principal = await context(request);
      const why = scopeRefusal(principal, request);
      if (why !== null || principal === null) throw new Error(why ?? '');
      return sentenceOf(await send(request, principal));
    },
  };
}

/** Says why the principal may not send the request; null when it may. */
function scopeRefusal(principal: ReplayPrincipal | null, { scope }: CapturedRequest): string | null {
  if (principal === null) return 'Whoever sent it may not any more';
  return principal.scope === scope ? null : 'The principal belongs to another scope than the record';
}

/** Says what came of a request. */
function sentenceOf({ error, replayed }: ReplayAnswer): string {
  const outcome = error === null ? 'without an error' : `with an error: ${error}`;
  const whose = replayed ? ' A retry of the client was first: this is its result.' : '';
  return `It was answered ${outcome}.${whose}`;
}
