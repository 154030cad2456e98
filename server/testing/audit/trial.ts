import { randomUUID } from 'node:crypto';
import { type Answer, answerOf, codeIn, refuses, shownAnswer } from './answers.ts';
import type { AuditOptions } from './audit-options.ts';
import type { AuditEvidence, AuditFault, AuditFinding, AuditGap } from './audit-report.ts';
import type { AuditCall, AuditedMutation, AuditSend } from './audited-mutation.ts';
import { FAULTS } from './faults.ts';

const ANSWER_TIMEOUT_MS = 30_000;
const ONLY_SCOPE = 'retry-audit';

/** A `Trial` sends one mutation again and again, counts its effects, and keeps what was found. */
export class Trial<Mutation extends AuditedMutation = AuditedMutation> {
  readonly mutation: Mutation;
  readonly options: AuditOptions;
  sends = 0;
  readonly untried: AuditGap[] = [];
  /** How often the effect is counted when the mutation runs once. */
  unit = 1;
  /** The effect happens for each request, whatever its key: later trials can not tell more by their effects. */
  isRepeating = false;
  readonly #send: AuditSend<Mutation>;
  readonly #evidence = new Map<AuditFault, AuditEvidence[]>();

  constructor(send: AuditSend<Mutation>, mutation: Mutation, options: AuditOptions) {
    this.#send = send;
    this.mutation = mutation;
    this.options = options;
  }

  newKey(): string {
    return this.options.newKey?.() ?? randomUUID();
  }

  async send(key: string | undefined, call: Partial<AuditCall<Mutation['input']>> = {}): Promise<Answer> {
    this.sends++;
    const { input } = this.mutation;
    const scope = this.options.scopes?.[0] ?? ONLY_SCOPE;
    const sent = Promise.resolve().then(() => this.#send(this.mutation, { scope, input, ...call, key }));
    const answer = await this.#inTime(answerOf(sent));
    if (answer) return answer;
    this.found('no_answer', { trial: 'a request', effects: 0, answers: [] });
    return { error: new Error('no answer in time') };
  }

  /** Counts the effects that something has. */
  async effectsOf(work: () => Promise<unknown>): Promise<number> {
    const before = await this.#effects();
    await work();
    return (await this.#effects()) - before;
  }

  isRefusal(answer: Answer): boolean {
    const shown = shownAnswer(answer);
    return this.options.isRefusal?.(shown) ?? refuses(shown);
  }

  /** Tells whether an answer is the stored one, of which the record keeps no text on purpose. */
  isNotRetained(answer: Answer): boolean {
    return codeIn(shownAnswer(answer)) === 'IDEMPOTENCY_RESULT_NOT_RETAINED';
  }

  found(
    fault: AuditFault,
    { answers, ...evidence }: Omit<AuditEvidence, 'answers'> & { answers: readonly Answer[] },
  ): void {
    const known = this.#evidence.get(fault) ?? [];
    this.#evidence.set(fault, [...known, { ...evidence, answers: answers.map(shownAnswer) }]);
  }

  notTried(trial: string, why: string): void {
    this.untried.push({ mutation: this.mutation.name, trial, why });
  }

  findings(): AuditFinding[] {
    const { name } = this.mutation;
    return [...this.#evidence].map(([fault, evidence]) => ({
      mutation: name,
      fault,
      ...FAULTS[fault],
      evidence,
    }));
  }

  async #effects(): Promise<number> {
    const count: unknown = await this.mutation.effects();
    if (typeof count === 'number' && Number.isFinite(count)) return count;
    throw new TypeError(
      `Expected \`effects\` of ${this.mutation.name} to return a number, got ${String(count)}`,
    );
  }

  async #inTime(answer: Promise<Answer>): Promise<Answer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS);
    });
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}
