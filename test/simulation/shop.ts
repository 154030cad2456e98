import type { Run } from '../../server/run/run.ts';
import type { Receipt } from '../history/history.ts';
import type { Machine } from './machine.ts';
import type { Call, Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** An `Effect` is one charge of a customer. */
export interface Effect extends Receipt {
  readonly at: number;
  readonly machine: string;
}

type Doubt = { downstreamKey(name: string): string };

/** `Shop` is the application that all machines run, and the provider that it charges customers with. */
export class Shop {
  readonly effects: Effect[] = [];
  readonly #world: World;
  readonly #scenario: Scenario;
  /** The provider knows keys: a second charge with one gets the first one's receipt. */
  readonly #charges = new Map<string, Receipt>();

  constructor(world: World, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
  }

  /** Pays on a machine, under the key of the call. @param onRun is told the fencing token of the run that this payment makes */
  pay(machine: Machine, call: Call, onRun: (fence: number) => void): Promise<Receipt> {
    const { scope, key, amount } = call;
    const { mode, policy } = this.#scenario;
    const paid: Promise<unknown> = machine.idempotency.run(
      { scope, key, operation: 'charge', input: { amount } },
      (run) => {
        onRun(run.fence);
        return this.#handle(machine, call, run);
      },
      {
        ...policy,
        onCrash: mode === 'retry' || mode === 'steps' ? 'retry' : 'in_doubt',
        ...(mode === 'resolver' && { resolve: (doubt: Doubt) => this.#resolve(machine, doubt) }),
      },
    );
    return paid as Promise<Receipt>;
  }

  async #handle(machine: Machine, call: Call, run: Run): Promise<Receipt> {
    const receipt = { scope: call.scope, key: call.key, amount: call.amount, fence: run.fence };
    this.#world.tell(`${machine.name}: runs ${call.scope}/${call.key} fence ${run.fence}`);
    await machine.sleep(call.workMs * call.effectAfter);
    if (call.releases) {
      run.release('nothing happened');
      throw Object.assign(new Error('declined'), { code: 'RELEASED' });
    }
    const answer = await this.#charge(machine, receipt, run);
    await machine.sleep(call.workMs * (1 - call.effectAfter));
    return answer;
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
    this.effects.push({ ...receipt, at: this.#world.now, machine: machine.name });
    this.#world.tell(`${machine.name}: EFFECT of ${receipt.scope}/${receipt.key} fence ${receipt.fence}`);
    return receipt;
  }
}
