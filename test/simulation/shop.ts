import type { Run } from '../../server/run/run.ts';
import type { Receipt } from '../history/history.ts';
import type { Doc } from './evaluate.ts';
import type { Machine } from './machine.ts';
import type { Call, Scenario } from './scenario.ts';
import type { ServerModel } from './server-model.ts';
import type { World } from './world.ts';

/** An `Effect` is one charge of a customer. */
export interface Effect extends Receipt {
  readonly at: number;
  readonly machine: string;
}

/** Rows of this collection are charges that are written in transactions. */
const LEDGER = 'ledger';
/** The collection of the one document that all transactions of a crowded day write to. */
const TILL = 'till';

type Doubt = { downstreamKey(name: string): string };

/** `Shop` is the application that all machines run, and the provider that it charges customers with. */
export class Shop {
  readonly #effects: Effect[] = [];
  readonly #server: ServerModel;
  readonly #world: World;
  readonly #scenario: Scenario;
  /** The provider knows keys: a second charge with one gets the first one's receipt. */
  readonly #charges = new Map<string, Receipt>();
  /** The ledger's rows until now, those included that were never committed. */
  #rows = 0;

  constructor(world: World, server: ServerModel, scenario: Scenario) {
    this.#world = world;
    this.#server = server;
    this.#scenario = scenario;
    if (scenario.mode === 'transaction') server.put(TILL, { _id: TILL, n: 0 });
  }

  /** The charges that were made: those of the ledger that a majority has, or those of the provider. */
  get effects(): readonly Effect[] {
    if (this.#scenario.mode !== 'transaction') return this.#effects;
    return this.#server.log.flatMap(({ id, after, at }) => {
      if (!after || !id.startsWith(`${LEDGER}/`)) return [];
      const { _id, ...row } = after;
      return [{ ...(row as unknown as Effect), at }];
    });
  }

  /** Pays on a machine, under the key of the call. @param onRun is told the fencing token of the run that this payment makes */
  pay(machine: Machine, call: Call, onRun: (fence: number) => void): Promise<Receipt> {
    const { scope, key, amount } = call;
    const { mode, policy } = this.#scenario;
    let attempt = 0;
    const paid: Promise<unknown> = machine.idempotency.run(
      { scope, key, operation: 'charge', input: { amount } },
      (run) => {
        onRun(run.fence);
        if (mode === 'transaction') return this.#handleInTransaction(machine, call, run, ++attempt);
        return this.#handle(machine, call, run);
      },
      mode === 'transaction' ? { ...policy, transaction: true } : this.#policyOf(machine),
    );
    return paid as Promise<Receipt>;
  }

  #policyOf(machine: Machine) {
    const { mode, policy } = this.#scenario;
    const onCrash: 'retry' | 'in_doubt' = mode === 'retry' || mode === 'steps' ? 'retry' : 'in_doubt';
    const resolve = (doubt: Doubt) => this.#resolve(machine, doubt);
    return { ...policy, onCrash, ...(mode === 'resolver' && { resolve }) };
  }

  async #handle(machine: Machine, call: Call, run: Run): Promise<Receipt> {
    const receipt = { scope: call.scope, key: call.key, amount: call.amount, fence: run.fence };
    this.#world.tell(`${machine.name}: runs ${call.scope}/${call.key} fence ${run.fence}`);
    await machine.sleep(call.workMs * call.effectAfter);
    if (call.releases) throw declined(run);
    const answer = await this.#charge(machine, receipt, run);
    await machine.sleep(call.workMs * (1 - call.effectAfter));
    return answer;
  }

  /** Charges by a write of the run's transaction. A call that releases its key has made that write, too: nothing of it may stay. */
  async #handleInTransaction(machine: Machine, call: Call, run: Run, attempt: number): Promise<Receipt> {
    const { workMs, effectAfter, scope, key, amount, releases } = call;
    const receipt = { scope, key, amount, fence: run.fence, attempt };
    this.#world.tell(`${machine.name}: runs ${scope}/${key} fence ${run.fence}, attempt ${attempt}`);
    await machine.sleep(workMs * effectAfter);
    const write = async (command: Doc) => {
      const reply = await machine.db.command(command, { session: run.session, signal: run.signal });
      if (reply.n !== 1) throw new Error('Expected the transaction to write one document');
    };
    const row = { _id: ++this.#rows, ...receipt, machine: machine.name };
    await write({ insert: LEDGER, documents: [row] });
    this.#world.tell(`${machine.name}: writes the effect of ${scope}/${key} fence ${run.fence}`);
    const more = { $set: { n: { $add: ['$n', 1] } } };
    if (this.#scenario.isCrowded) await write({ update: TILL, updates: [{ q: { _id: TILL }, u: [more] }] });
    await machine.sleep(workMs * (1 - effectAfter));
    if (releases) throw declined(run);
    return receipt;
  }

  /** Charges as the docs ask for: not without the lease, and with a downstream key where the mode has one. */
  #charge(machine: Machine, receipt: Receipt, run: Run): Receipt | Promise<Receipt> {
    const { mode } = this.#scenario;
    if (mode === 'steps') return run.step('charge', ({ key }) => this.#chargeOnce(machine, key, receipt));
    if (run.signal.aborted) throw run.signal.reason;
    return mode === 'resolver'
      ? this.#chargeOnce(machine, run.downstreamKey('charge'), receipt)
      : this.#effect(machine, receipt);
  }

  async #resolve(machine: Machine, doubt: Doubt) {
    await machine.sleep(5);
    const data = this.#charges.get(doubt.downstreamKey('charge'));
    return data ? { action: 'complete' as const, data } : { action: 'retry' as const };
  }

  #chargeOnce(machine: Machine, downstreamKey: string, receipt: Receipt): Receipt {
    const known = this.#charges.get(downstreamKey);
    if (known) return known;
    this.#charges.set(downstreamKey, receipt);
    return this.#effect(machine, receipt);
  }

  #effect(machine: Machine, receipt: Receipt): Receipt {
    this.#effects.push({ ...receipt, at: this.#world.now, machine: machine.name });
    this.#world.tell(`${machine.name}: EFFECT of ${receipt.scope}/${receipt.key} fence ${receipt.fence}`);
    return receipt;
  }
}

/** Asks for the release of the key, and makes the error that the client gets. */
function declined(run: Run): Error {
  run.release('nothing happened');
  return Object.assign(new Error('declined'), { code: 'RELEASED' });
}
