/** A time in which an app, or all of them, could not do their work. */
export interface Disturbance {
  readonly kind: string;
  readonly from: number;
  until: number;
  /** Undefined: all of them. */
  readonly app?: string;
  /** It explains a lapsed lease however short it was. */
  readonly isDecisive?: boolean;
}

export interface Lapse {
  /** The app that ran; undefined where it is not known. */
  readonly app: string | undefined;
  readonly from: number;
  readonly until: number;
  readonly leaseMs: number;
}

/** `Disturbances` remembers what was done to whom, and what was measured, so that a lapsed lease can be explained. */
export class Disturbances {
  readonly #all: Disturbance[] = [];

  add(disturbance: Disturbance): Disturbance {
    this.#all.push(disturbance);
    return disturbance;
  }

  /**
   * Says why a run may have lost its lease: its app was killed, or could not work for half a lease in all. Undefined: nothing explains it.
   */
  explain({ app, from, until, leaseMs }: Lapse): string | undefined {
    const met = this.#all.filter(
      (one) =>
        (one.app === undefined || app === undefined || one.app === app) &&
        one.from <= until &&
        one.until >= from,
    );
    const decisive = met.find(({ isDecisive }) => isDecisive);
    if (decisive) return decisive.kind;
    const within = met.map((one) => ({
      kind: one.kind,
      from: Math.max(one.from, from),
      until: Math.min(one.until, until),
    }));
    if (lengthOf(within) < leaseMs / 2) return undefined;
    const longest = within.toSorted((one, other) => other.until - other.from - (one.until - one.from))[0];
    return longest?.kind;
  }
}

/** The length of what the spans cover together. */
function lengthOf(spans: readonly { readonly from: number; readonly until: number }[]): number {
  let length = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const { from, until } of spans.toSorted((one, other) => one.from - other.from)) {
    length += Math.max(0, until - Math.max(from, end));
    end = Math.max(end, until);
  }
  return length;
}
