import { isObject } from '../../engine/option-checks.ts';
import { whatCame } from '../../engine/what-came.ts';
import { type AuditOptions, checkAuditOptions } from './audit-options.ts';
import { type AuditReport, auditReport } from './audit-report.ts';
import type { AuditedMutation, AuditSend } from './audited-mutation.ts';
import { tryCrashes } from './crash-trials.ts';
import {
  tryFailure,
  tryLostAnswer,
  tryOtherArguments,
  tryOtherScope,
  tryStoreDown,
  tryTwin,
  tryWithoutKey,
} from './key-trials.ts';
import { Trial } from './trial.ts';

const TRIALS = [
  tryTwin,
  tryOtherArguments,
  tryOtherScope,
  tryWithoutKey,
  tryFailure,
  tryStoreDown,
  tryCrashes,
];

/**
 * Retries each mutation of your application in all the ways in which clients and crashes do, and reports which have their effect twice, or
 * give answers that differ: after a lost answer; with a concurrent twin; with other arguments, in another scope, without a key; after a
 * failure; with a store that is away; after a crash at each point of a run. Each trial has a key of its own. The application runs as it is, so
 * give it a database of its own; the mutations are tried one after the other.
 *
 * @example
 * const report = await retryAudit(
 *   (mutation, { key, scope, input }) =>
 *     fetch(`${url}/${mutation.name}`, { method: 'POST', headers: headersOf(scope, key), body: JSON.stringify(input) }),
 *   [{ name: 'pay', input: { amount: 5 }, otherInput: { amount: 6 }, effects: () => provider.charges.length }],
 *   { kit, scopes: ['ada', 'bob'] },
 * )
 * assertSound(report)
 * @param send sends one request and resolves with its answer
 * @param mutations what to try
 * @returns what was found. A mutation whose `send` or `effects` does not work is a finding, too, and no error
 * @throws TypeError for an option that is unknown or out of range, and for what is no mutation
 * @experimental
 */
export async function retryAudit<Mutation extends AuditedMutation>(
  send: AuditSend<Mutation>,
  mutations: readonly Mutation[],
  options: AuditOptions = {},
): Promise<AuditReport> {
  checkArguments(send, mutations);
  checkAuditOptions(options);
  const startedAt = performance.now();
  const trials = mutations.map((mutation) => new Trial(send, mutation, options));
  for (const trial of trials) await tryAll(trial as unknown as Trial);
  return auditReport({
    findings: trials.flatMap((trial) => trial.findings()),
    untried: trials.flatMap(({ untried }) => untried),
    mutations: mutations.map(({ name }) => name),
    sends: trials.reduce((sum, trial) => sum + trial.sends, 0),
    durationMs: performance.now() - startedAt,
  });
}

/** Tries one mutation. What stops that is a finding: an audit that tried nothing is not sound. */
async function tryAll(trial: Trial): Promise<void> {
  try {
    if (!(await tryLostAnswer(trial))) return;
    for (const tryOut of TRIALS) await tryOut(trial);
  } catch (error) {
    trial.found('not_audited', { trial: 'an error of the audit itself', effects: 0, answers: [{ error }] });
  }
}

function checkArguments(send: unknown, mutations: unknown): void {
  if (typeof send !== 'function') {
    throw new TypeError(
      `Expected the first argument of retryAudit(...) to be your \`send\`, got ${whatCame(send)}`,
    );
  }
  if (!Array.isArray(mutations) || mutations.length === 0) {
    throw new TypeError(`Expected at least one mutation to audit, got ${whatCame(mutations)}`);
  }
  for (const mutation of mutations) {
    const isOne =
      isObject(mutation) && typeof mutation.name === 'string' && typeof mutation.effects === 'function';
    if (!isOne) throw new TypeError('Expected each mutation to be { name, input, effects, … }');
  }
  const names = mutations.map(({ name }) => name);
  if (new Set(names).size < names.length)
    throw new TypeError('Expected each mutation to have a name of its own');
}
