import { Random } from '../simulation/world.ts';

type OfApp = { readonly app: number };
type OfMember = { readonly member: 'primary' | 'secondary' };
type Lasting = { readonly ms: number };

/** A fault at a time, in ms from the start. */
export type Fault = { readonly at: number } & (
  | ({ readonly kind: 'app killed' } & OfApp)
  | ({ readonly kind: 'app frozen' } & OfApp & Lasting)
  /** No byte passes between an app and the members: connections are refused, or hang. */
  | ({ readonly kind: 'app cut off'; readonly how: 'refuse' | 'hang' } & OfApp & Lasting)
  /** The open connections of an app are dead without a sign of it; new ones work. */
  | ({ readonly kind: 'connections swallowed' } & OfApp)
  /** The members carry out the next commands of an app, and their replies are lost. */
  | ({
      readonly kind: 'replies lost';
      readonly count: number;
      readonly clientSees: 'close' | 'silence';
    } & OfApp)
  | ({ readonly kind: 'app slow'; readonly delayMs: number } & OfApp & Lasting)
  | ({ readonly kind: 'app clock'; readonly byMs: number } & OfApp)
  | ({ readonly kind: 'member killed' } & OfMember & Lasting)
  | ({ readonly kind: 'member frozen' } & OfMember & Lasting)
  /** The other members do not reach this one, which reaches them. */
  | ({ readonly kind: 'member cut off'; readonly how: 'refuse' | 'hang' } & OfMember & Lasting)
  | { readonly kind: 'stepdown' }
  /** The writes of a primary reach nobody any more, then it dies: they roll back. */
  | ({ readonly kind: 'tail lost' } & Lasting)
  | { readonly kind: 'server clock'; readonly byMs: number }
);

export type FaultKind = Fault['kind'];

export interface PlanOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly apps: number;
  readonly leaseMs: number;
  /** Undefined: of all kinds. */
  readonly kinds?: readonly FaultKind[];
}

const OF_APPS: readonly FaultKind[] = [
  ...(['app killed', 'app killed', 'app frozen', 'app frozen', 'app cut off', 'app cut off'] as const),
  ...(['connections swallowed', 'replies lost', 'replies lost', 'app slow', 'app clock'] as const),
];
const OF_SET: readonly FaultKind[] = [
  ...(['member killed', 'member frozen', 'member frozen', 'member cut off'] as const),
  ...(['stepdown', 'stepdown', 'tail lost', 'server clock'] as const),
];
const FIRST_AT = 3_000;
const LAST_BEFORE_END_MS = 4_000;
/** A set has so long to come to itself after a fault. */
const RECOVERY_MS = 5_000;

/** Makes the faults of a seed: those of apps come when they like, those of the set one after the other. */
export function faultPlan(options: PlanOptions): Fault[] {
  const random = new Random(options.seed);
  const end = options.seconds * 1_000 - LAST_BEFORE_END_MS;
  const has = (kind: FaultKind) => options.kinds?.includes(kind) ?? true;
  const [ofApps, ofSet] = [OF_APPS.filter(has), OF_SET.filter(has)];
  const faults: Fault[] = [];
  for (let at = FIRST_AT; at < end && ofApps.length > 0; at += random.between(800, 4_000))
    faults.push(drawFault(random, random.pick(ofApps), at, options));
  for (let at = FIRST_AT; at < end && ofSet.length > 0; ) {
    // A clock that was set stays so: in the first half of a run all is judged by a true one.
    const kind = random.pick(ofSet);
    const fault = drawFault(random, kind === 'server clock' && at < end / 2 ? 'stepdown' : kind, at, options);
    faults.push(fault);
    at += ('ms' in fault ? fault.ms : 0) + RECOVERY_MS + random.between(0, 5_000);
  }
  return faults.sort((one, other) => one.at - other.at);
}

function drawFault(random: Random, kind: FaultKind, at: number, { apps, leaseMs }: PlanOptions): Fault {
  const app = random.between(0, apps - 1);
  const member = random.chance(0.6) ? 'primary' : 'secondary';
  const ms = random.between(200, leaseMs * 2);
  switch (kind) {
    case 'app frozen':
      return { at, kind, app, ms };
    case 'app cut off':
      return { at, kind, app, how: random.pick(['refuse', 'hang']), ms };
    case 'replies lost':
      return { at, kind, app, count: random.between(1, 8), clientSees: random.pick(['close', 'silence']) };
    case 'app slow':
      return { at, kind, app, delayMs: random.between(20, leaseMs / 4), ms };
    case 'app clock':
      return { at, kind, app, byMs: random.pick([-3_600_000, -5_000, 5_000, 3_600_000]) };
    case 'member killed':
    case 'member frozen':
      return { at, kind, member, ms };
    case 'member cut off':
      return { at, kind, member, how: random.pick(['refuse', 'hang']), ms };
    case 'stepdown':
      return { at, kind };
    case 'tail lost':
      return { at, kind, ms: random.between(300, 1_200) };
    case 'server clock':
      return { at, kind, byMs: random.pick([-2_000, 700, 5_000]) };
    default:
      return { at, kind, app };
  }
}

/** A line for each fault. */
export function shownFault({ at, kind, ...terms }: Fault): string {
  const shown = Object.entries(terms).map(([name, value]) => `${name} ${value}`);
  return `${(at / 1_000).toFixed(1).padStart(6)} s  ${kind}${shown.length > 0 ? `: ${shown.join(', ')}` : ''}`;
}
