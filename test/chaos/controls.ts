import { showHistory } from '../history/show-history.ts';
import { PLANTED_FAULTS } from '../simulation/planted-faults.ts';
import type { Edit } from '../simulation/program.ts';
import { type CampaignOptions, runCampaign, type Standing } from './campaign.ts';
import { plantedProgram } from './planted-program.ts';

/** A cluster that is wrong on purpose: a guard of the product is gone, and faults that need it come more often. */
interface Control {
  readonly name: string;
  /** The name of the planted fault begins so. */
  readonly fault: string;
  /** In place of what that one puts there. */
  readonly replace?: string;
  /** A second guard is taken out with it, where that one stands before the first. */
  readonly also?: Edit;
  readonly terms: Partial<CampaignOptions>;
}

export const CONTROLS: readonly Control[] = [
  {
    name: 'w: 1, and a primary whose writes roll back',
    fault: 'a write counts once the primary has it',
    terms: { kinds: ['tail lost'], modes: ['plain', 'fields', 'batch'] },
  },
  {
    name: 'no fence: a frozen run writes to the record of the run after it',
    fault: 'a write of a run goes to the record whoever holds it',
    // Nor does it matter in which state that record is: the later result is often there by then.
    replace: 'q: { scope, key }, u, c }',
    terms: { kinds: ['app frozen'], modes: ['rerun', 'resolver'], leaseMs: 1_000, concurrency: 12 },
  },
  {
    name: 'no lease: a run is taken over while it goes on',
    fault: 'a running key is taken over within its lease',
    // A process waits for a lease that it has read of, so it seldom asks the server whether that is over.
    also: {
      file: 'server/engine/decide.ts',
      find: "if (record.leaseExpiresAt > now) return { do: 'wait', record };",
      replace: '',
    },
    terms: { kinds: ['app killed', 'app frozen'], modes: ['rerun', 'resolver'] },
  },
  {
    name: 'a TTL that eats running records',
    fault: 'a renewal does not put the expiry of the record off',
    terms: { kinds: ['app frozen'], modes: ['plain', 'rerun'] },
  },
];

/**
 * Runs each wrong cluster until its history is rejected.
 * @param options.only those whose names have these words
 * @returns how many were accepted, which none may be
 */
export async function runControls(
  options: CampaignOptions & { readonly only: string },
  tell: (line: string) => void,
): Promise<number> {
  let accepted = 0;
  const controls = CONTROLS.filter(({ name }) => name.includes(options.only));
  for (const { name, fault, replace, also, terms } of controls) {
    const planted = PLANTED_FAULTS.find((one) => one.name.startsWith(fault));
    if (!planted) throw new Error(`Expected a planted fault whose name begins with "${fault}"`);
    await using program = await plantedProgram(
      { ...planted, ...(replace && { replace }) },
      ...(also ? [also] : []),
    );
    const startedAt = performance.now();
    const { violations }: Standing = await runCampaign({
      ...options,
      ...terms,
      // Without renewals that put it off, a record expires as soon as it may.
      unresolvedRetentionMs: terms.leaseMs ?? options.leaseMs,
      program: program.path,
      untilBroken: true,
    });
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    const [first] = violations;
    if (first) {
      tell(`rejected after ${seconds} s: ${name}\nBroken: ${first.promise}\n${first.detail}`);
      tell(`${showHistory(first.history)}\n`);
    } else {
      tell(`ACCEPTED after ${seconds} s: ${name}`);
      accepted++;
    }
  }
  tell(`${controls.length - accepted} of ${controls.length} wrong clusters were rejected`);
  return accepted;
}
