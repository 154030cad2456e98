import { isIdempotencyError } from '../../engine/errors.ts';
import { type Fingerprints, matchOf } from '../../engine/match-of.ts';
import type { CapturedRequest, RerunActor, Rerunner } from './rerunner.ts';

/** `RerunnerParts` differ by API. Who may send a request, and what is said of its answer, is the same for all. */
export interface RerunnerParts<Actor extends RerunActor> extends Pick<Rerunner, 'format' | 'response'> {
  /** The developer's function, which says whom to send the request as. */
  readonly actAs: (request: CapturedRequest) => Actor | null | Promise<Actor | null>;
  /** Says why the API would not take the request any more; null when it would. */
  problemOf(request: CapturedRequest): string | null | Promise<string | null>;
  /**
   * Makes the fingerprints that the request would be compared by, and runs no handler; undefined where that can not be known before it is
   * sent.
   */
  fingerprintsOf(request: CapturedRequest, actor: Actor): Promise<Fingerprints | undefined>;
  send(request: CapturedRequest, actor: Actor): Promise<RerunAnswer>;
}

export interface RerunAnswer {
  /** The error, in words; null for a success. */
  readonly error: string | null;
  /** True when the answer is that of another run of the key. */
  readonly replayed: boolean;
}

/** Makes a rerunner of the parts that an API has of its own. */
export function createRerunner<Actor extends RerunActor>(parts: RerunnerParts<Actor>): Rerunner {
  const { format, response, actAs, problemOf, fingerprintsOf, send } = parts;
  return {
    format,
    response,

    async check(request) {
      const actor = await actAs(request);
      const why =
        scopeRefusal(actor, request) ??
        (await problemOf(request)) ??
        (actor && (await keyRefusal(request, () => fingerprintsOf(request, actor))));
      const label = actor?.label;
      return why === null
        ? { possible: true, label: label ?? '' }
        : { possible: false, why, ...(label !== undefined && { label }) };
    },

    async run(request) {
      const actor = await actAs(request);
      const why = scopeRefusal(actor, request);
      if (why !== null || actor === null) throw new Error(why ?? '');
      return sentenceOf(await send(request, actor));
    },
  };
}

/** Says why the actor may not send the request; null when it may. */
function scopeRefusal(actor: RerunActor | null, { scope }: CapturedRequest): string | null {
  if (actor === null) return 'Whoever sent it may not any more';
  return actor.scope === scope ? null : 'It would run in another scope than that of the record';
}

/** Says why the key would not take the request; null when it would, or when nobody can know before it is sent. */
async function keyRefusal(
  { fingerprint, operation }: CapturedRequest,
  ask: () => Promise<Fingerprints | undefined>,
): Promise<string | null> {
  if (fingerprint === undefined) return null;
  try {
    const fingerprints = await ask();
    return fingerprints ? MISMATCHES[await matchOf(fingerprints, { fingerprint, operation })] : null;
  } catch (error) {
    if (!isIdempotencyError(error)) throw error;
    return `It would be refused: ${error.code}, ${error.message}`;
  }
}

const MISMATCHES = {
  equal: null,
  different:
    'It would be refused with IDEMPOTENCY_KEY_REUSED: the captured request has another fingerprint than the key is bound to. ' +
    'What the fingerprint is made of has changed since, such as the `fingerprint` option, a coercion or the context',
  'unknown rule':
    'It would be refused with IDEMPOTENCY_RECORD_UNREADABLE: the key is bound by a rule of fingerprints that this server does not know',
} as const;

/** Says what came of a request. */
function sentenceOf({ error, replayed }: RerunAnswer): string {
  const outcome = error === null ? 'without an error' : `with an error: ${error}`;
  const whose = replayed ? ' A retry of the client was first: this is its result.' : '';
  return `It was answered ${outcome}.${whose}`;
}
