import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { now } from './clock.ts';
import type { Cluster, Member } from './cluster.ts';
import type { Disturbance, Disturbances } from './disturbances.ts';
import type { Fault, FaultKind } from './fault-plan.ts';
import type { Fleet, Place } from './fleet.ts';

export interface InjectorParts {
  readonly cluster: Cluster;
  readonly fleet: Fleet;
  readonly disturbances: Disturbances;
  /** Is told when other apps are there than before. */
  onApps(): void;
  onClocksSet(): void;
}

/** An app that died is started again after so long. */
const RESTART_MS = 500;
/** What is lost with dead connections or lost replies comes late by so much. */
const LOST_MS = 2_000;
/** After a fault of the set another primary may come for so long. */
const RECOVERY_MS = 12_000;

/** `Injector` carries faults out, and notes down whom they disturbed, and for how long. */
export class Injector {
  /** The faults that were carried out, by kind. */
  readonly done = new Map<FaultKind, number>();
  readonly #parts: InjectorParts;
  #areClocksSet = false;
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: InjectorParts) {
    this.#parts = parts;
  }

  /** Begins a fault, which may last. One that has no object any more (no app, no primary) is left out. */
  inflict(fault: Fault): void {
    const going = this.#carryOut(fault).then(
      (isDone) => {
        if (isDone) this.done.set(fault.kind, (this.done.get(fault.kind) ?? 0) + 1);
      },
      (error) => console.error(`The fault "${fault.kind}" failed: ${error}`),
    );
    this.#underWay.add(going);
    void going.then(() => this.#underWay.delete(going));
  }

  /** Resolves when no fault lasts any more. */
  async over(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #carryOut(fault: Fault): Promise<boolean> {
    if ('app' in fault) return this.#onApp(fault);
    const { cluster, disturbances } = this.#parts;
    const primary = await cluster.primary();
    if (!primary) return false;
    const others = cluster.members.filter((member) => member !== primary);
    // Where clocks differ, another primary may find leases lapsed that the one before had given.
    if (this.#areClocksSet)
      disturbances.add({ kind: 'server clock', from: now(), until: now() + RECOVERY_MS, isDecisive: true });
    switch (fault.kind) {
      case 'stepdown':
        return stepDown(primary);
      case 'tail lost':
        return this.#loseTail(primary, others, fault.ms);
      case 'server clock': {
        if (!primary.clock) return false;
        this.#parts.onClocksSet();
        this.#areClocksSet = true;
        // Leases that were given before are shorter by so much.
        disturbances.add({ kind: 'server clock', from: now(), until: now() + Math.abs(fault.byMs) });
        await primary.clock.set(Math.max(-4_000, Math.min(10_000, primary.clock.aheadMs + fault.byMs)));
        return true;
      }
      default:
        return this.#onMember(fault, fault.member === 'primary' ? primary : (others[0] as Member));
    }
  }

  async #onMember(
    { kind, ms, ...how }: Extract<Fault, { member: unknown }>,
    { process, front }: Member,
  ): Promise<boolean> {
    const { cluster } = this.#parts;
    switch (kind) {
      case 'member killed': {
        await process.kill('SIGKILL');
        await sleep(ms);
        const member = cluster.members.find((one) => one.process === process) as Member;
        await cluster.relaunch(member);
        return true;
      }
      case 'member frozen':
        await process.kill('SIGSTOP');
        await sleep(ms);
        await process.kill('SIGCONT');
        return true;
      default:
        front.mode = 'how' in how ? how.how : 'hang';
        await sleep(ms);
        front.mode = 'pass';
        return true;
    }
  }

  /** Nobody copies the primary's writes any more; then it dies, and the others go on without them. */
  async #loseTail(primary: Member, others: readonly Member[], ms: number): Promise<boolean> {
    // A frozen member copies what waits in its socket when it wakes, so the way to it is cut first.
    primary.front.mode = 'refuse';
    await Promise.all(others.map(({ process }) => process.kill('SIGSTOP')));
    await sleep(ms);
    await primary.process.kill('SIGKILL');
    await Promise.all(others.map(({ process }) => process.kill('SIGCONT')));
    await sleep(2_000);
    await this.#parts.cluster.relaunch(primary);
    return true;
  }

  async #onApp(fault: Extract<Fault, { app: number }>): Promise<boolean> {
    const { fleet, disturbances } = this.#parts;
    const place = fleet.places[fault.app] as Place;
    const { app } = place;
    if (!app) return false;
    const disturb = (forMs: number) =>
      disturbances.add({
        ...{ kind: fault.kind, app: app.name, from: now(), until: now() + forMs },
        isDecisive: fault.kind === 'app killed',
      });
    switch (fault.kind) {
      case 'app killed': {
        disturb(Number.POSITIVE_INFINITY);
        place.app = undefined;
        await app.process.kill('SIGKILL');
        this.#parts.onApps();
        await sleep(RESTART_MS);
        await fleet.startApp(place);
        this.#parts.onApps();
        return true;
      }
      case 'app frozen': {
        const frozen = disturb(Number.POSITIVE_INFINITY);
        await app.process.kill('SIGSTOP');
        await sleep(fault.ms);
        await app.process.kill('SIGCONT');
        frozen.until = now();
        return true;
      }
      case 'app cut off': {
        const cut = disturb(Number.POSITIVE_INFINITY);
        for (const link of place.links) link.mode = fault.how;
        await sleep(fault.ms);
        for (const link of place.links) link.mode = 'pass';
        // The driver finds out in its own time that it can go on.
        cut.until = now() + 1_000;
        return true;
      }
      case 'connections swallowed':
        disturb(LOST_MS);
        return place.links.map((link) => link.swallowOpen()).some((open) => open > 0);
      case 'replies lost':
        this.#loseReplies(place, fault, disturb(LOST_MS));
        return true;
      case 'app slow': {
        const slow = disturb(Number.POSITIVE_INFINITY);
        for (const link of place.links) link.delayMs = fault.delayMs;
        await sleep(fault.ms);
        for (const link of place.links) link.delayMs = 0;
        slow.until = now() + fault.delayMs;
        return true;
      }
      case 'app clock':
        await place.clock?.set(place.clock.aheadMs + fault.byMs);
        return place.clock !== undefined;
      default:
        return fault satisfies never;
    }
  }

  /** Those of writes are lost, and for a while only: what is meant for one primary does not wait for the next one. */
  #loseReplies(place: Place, { count, clientSees }: RepliesLost, { until }: Disturbance): void {
    let left = count;
    const match = (request: Buffer) => left > 0 && now() < until && request.includes('update') && left-- > 0;
    for (const link of place.links)
      for (let i = 0; i < count; i++) void link.dropReply(match, { clientSees });
  }
}

type RepliesLost = Extract<Fault, { kind: 'replies lost' }>;

async function stepDown({ process }: Member): Promise<boolean> {
  const options = { directConnection: true, serverSelectionTimeoutMS: 1_000, socketTimeoutMS: 10_000 };
  const client = new MongoClient(`mongodb://127.0.0.1:${process.port}/`, options);
  try {
    await client.db('admin').command({ replSetStepDown: 5, secondaryCatchUpPeriodSecs: 3, force: true });
    return true;
  } catch {
    return false; // another one is primary by now
  } finally {
    await client.close();
  }
}
