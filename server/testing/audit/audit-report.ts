/**
 * An `AuditFault` names what is wrong with a mutation.
 *
 * - `key_ignored`: the same key has the effect again, and its records show that the server does not use the key that was sent.
 * - `effect_outside`: a retry is answered from the record, and yet the effect happens again.
 * - `effect_twice`: the same key has the effect more than once.
 * - `answers_differ`: sends of one key get answers that differ.
 * - `key_not_required`: a request without a key has its effect.
 * - `arguments_not_compared`: the same key with other arguments is not refused.
 * - `scope_shared`: another scope that uses the same key gets no run of its own.
 * - `failure_runs_again`: a retry of a failure has the effect again.
 * - `crash_runs_again`: a retry after a crash has the effect again.
 * - `runs_without_store`: the effect happens while the store is away.
 * - `no_answer`: a send got no answer in time.
 * - `not_audited`: the mutation could not be tried.
 *
 * A minor release may add words.
 *
 * @experimental
 */
export type AuditFault =
  | 'key_ignored'
  | 'effect_outside'
  | 'effect_twice'
  | 'answers_differ'
  | 'key_not_required'
  | 'arguments_not_compared'
  | 'scope_shared'
  | 'failure_runs_again'
  | 'crash_runs_again'
  | 'runs_without_store'
  | 'no_answer'
  | 'not_audited';

/** `AuditEvidence` is what was seen in one trial. @experimental */
export interface AuditEvidence {
  /** What was tried: `a lost answer`, `a crash { after: "charge" }`. */
  readonly trial: string;
  /** How often the effect happened. */
  readonly effects: number;
  /** The answers, in the order of the sends. */
  readonly answers: readonly unknown[];
}

/** An `AuditFinding` is one thing that is wrong with one mutation, with all trials that show it. @experimental */
export interface AuditFinding {
  /** The name of the mutation. */
  readonly mutation: string;
  /** The fault, by its name. */
  readonly fault: AuditFault;
  /** What is wrong, in a sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
  /** What was sent, and what came back. */
  readonly evidence: readonly AuditEvidence[];
}

/** An `AuditGap` is something that was not tried, and what it takes. @experimental */
export interface AuditGap {
  /** The name of the mutation. */
  readonly mutation: string;
  /** The trial that was left out. */
  readonly trial: string;
  /** What the trial would have taken. */
  readonly why: string;
}

/** An `AuditReport` is what `retryAudit` found. `String(report)` is for people. @experimental */
export interface AuditReport {
  /** True when nothing was found. What was not tried does not count: see `untried`. */
  readonly isSound: boolean;
  /** The faults that were found. */
  readonly findings: readonly AuditFinding[];
  /** The trials that were left out. */
  readonly untried: readonly AuditGap[];
  /** The names of the mutations, in their order. */
  readonly mutations: readonly string[];
  /** How many requests were sent. */
  readonly sends: number;
  /** How long the audit took, in ms. */
  readonly durationMs: number;
  /** Writes the report for people. */
  toString(): string;
}

export function auditReport(facts: Omit<AuditReport, 'isSound' | 'toString'>): AuditReport {
  return {
    ...facts,
    isSound: facts.findings.length === 0,
    toString: () => textOf(facts),
  };
}

/**
 * Throws when the audit found something; the error's message is the report.
 *
 * @example
 * assertSound(await retryAudit(send, mutations, { kit }))
 * @throws Error with the text of the report
 * @experimental
 */
export function assertSound(report: AuditReport): void {
  if (!report.isSound) throw new Error(report.toString());
}

function textOf({
  mutations,
  findings,
  untried,
  sends,
  durationMs,
}: Omit<AuditReport, 'isSound' | 'toString'>) {
  const unsound = mutations.filter((name) => findings.some(({ mutation }) => mutation === name));
  const head = `Retry audit: ${unsound.length} of ${mutations.length} mutations are not sound (${sends} requests, ${(durationMs / 1000).toFixed(1)} s)`;
  const parts = mutations.map((name) => {
    const found = findings.filter(({ mutation }) => mutation === name).map(findingText);
    const gaps = untried.filter(({ mutation }) => mutation === name);
    const notes = gaps.map(({ trial, why }) => `    not tried: ${trial}. ${why}`);
    return [`${found.length === 0 ? '✓' : '✗'} ${name}`, ...found, ...notes].join('\n');
  });
  return [head, ...parts].join('\n\n');
}

function findingText({ fault, message, fix, evidence }: AuditFinding): string {
  const seen = evidence.map(({ trial, effects }) => `${trial} (${counted(effects)})`).join(', ');
  return `    ${fault}: ${message}\n      seen with ${seen}\n      fix: ${fix}`;
}

const counted = (effects: number) => (effects === 1 ? '1 effect' : `${effects} effects`);
