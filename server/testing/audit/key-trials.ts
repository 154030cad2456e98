import type { TestRecord } from '../kit/test-record.ts';
import { type Answer, isSame } from './answers.ts';
import type { AuditFault } from './audit-report.ts';
import type { AuditCall } from './audited-mutation.ts';
import type { Trial } from './trial.ts';

/** Tries a lost answer: the client sends the same again. Tells whether the mutation can be tried any further. */
export async function tryLostAnswer(trial: Trial): Promise<boolean> {
  const key = trial.newKey();
  const before = new Set(recordIds(trial));
  const answers: Answer[] = [];
  const send = async () => answers.push(await trial.send(key));
  trial.unit = await trial.effectsOf(send);
  const again = trial.unit > 0 ? await trial.effectsOf(send) : 0;
  const seen = { trial: 'a lost answer', effects: trial.unit + again, answers };
  const made = trial.options.kit?.records().filter((record) => !before.has(idOf(record)));
  if (trial.unit < 1) {
    trial.found('not_audited', { ...seen, trial: 'the first request, which had no effect' });
    return false;
  }
  if (again > 0) {
    trial.isRepeating = true;
    trial.found(repeatedBy(made), seen);
    return true;
  }
  if (made?.length === 0) {
    trial.found('not_audited', {
      ...seen,
      trial: 'a request of which the testkit has no record: is the application made with `kit.idempotency`?',
    });
    return false;
  }
  compare(trial, seen);
  return true;
}

/** Says why the effect happened again, by the records that two sends of one key have made. */
function repeatedBy(made: readonly TestRecord[] | undefined): AuditFault {
  if (!made) return 'effect_twice';
  const [record, ...others] = made;
  if (!record || others.length > 0) return 'key_ignored';
  return record.state === 'completed' && record.attempts === 1 ? 'effect_outside' : 'effect_twice';
}

/** Tries a concurrent twin: the client sends the same twice at once. */
export async function tryTwin(trial: Trial): Promise<void> {
  const key = trial.newKey();
  let answers: Answer[] = [];
  const effects = await trial.effectsOf(async () => {
    answers = await Promise.all([trial.send(key), trial.send(key)]);
  });
  const seen = { trial: 'a concurrent twin', effects, answers };
  if (trial.isRepeating) return;
  if (effects > trial.unit) trial.found('effect_twice', seen);
  compare(trial, { ...seen, answers: answers.filter((answer) => !trial.isRefusal(answer)) });
}

/** Tries the same key with other arguments, which has to be refused. */
export async function tryOtherArguments(trial: Trial): Promise<void> {
  const name = 'the same key with other arguments';
  const { otherInput: input } = trial.mutation;
  if (input === undefined) {
    trial.notTried(name, 'Give the mutation an `otherInput`.');
    return;
  }
  if (!(await hasEffect(trial, { input }))) {
    trial.notTried(name, 'With a key of its own, the `otherInput` has no effect: it has to succeed.');
    return;
  }
  const key = trial.newKey();
  const first = await trial.send(key);
  let other: Answer = first;
  const effects = await trial.effectsOf(async () => {
    other = await trial.send(key, { input });
  });
  if (trial.isRefusal(other) || (trial.isRepeating && effects > 0)) return;
  trial.found('arguments_not_compared', {
    trial: name,
    effects: trial.unit + effects,
    answers: [first, other],
  });
}

/** Tries the same key in another scope, which is another key. */
export async function tryOtherScope(trial: Trial): Promise<void> {
  const name = 'the same key in another scope';
  const [, scope] = trial.options.scopes ?? [];
  if (scope === undefined) {
    trial.notTried(name, 'Give the audit two `scopes`.');
    return;
  }
  if (!(await hasEffect(trial, { scope }))) {
    trial.notTried(
      name,
      `With a key of its own, ${scope} has no effect: both \`scopes\` have to be allowed to do this.`,
    );
    return;
  }
  const key = trial.newKey();
  const answers = [await trial.send(key)];
  const effects = await trial.effectsOf(async () => answers.push(await trial.send(key, { scope })));
  if (effects === 0) trial.found('scope_shared', { trial: name, effects: trial.unit, answers });
}

/** Tells whether a call has its effect when its key is new: without that, a key that is refused proves nothing. */
async function hasEffect(trial: Trial, call: Partial<AuditCall>): Promise<boolean> {
  return (await trial.effectsOf(() => trial.send(trial.newKey(), call))) > 0;
}

/** Tries a request without a key, which has to be refused. */
export async function tryWithoutKey(trial: Trial): Promise<void> {
  // A server that ignores keys has no use for one: that was found.
  if (trial.mutation.keyless === 'allowed' || trial.isRepeating) return;
  const answers: Answer[] = [];
  const send = async () => answers.push(await trial.send(undefined));
  const first = await trial.effectsOf(send);
  if (first === 0) return;
  const again = await trial.effectsOf(send);
  trial.found('key_not_required', { trial: 'a request without a key', effects: first + again, answers });
}

/** Tries a failure after the effect, which a retry must not run again. */
export async function tryFailure(trial: Trial): Promise<void> {
  const name = 'a failure after the effect';
  const { failing, input: usual } = trial.mutation;
  if (!failing) {
    trial.notTried(name, 'Say by `failing` how the mutation fails after its effect.');
    return;
  }
  const key = trial.newKey();
  const { input = usual } = failing;
  const answers: Answer[] = [];
  const send = async () => answers.push(await trial.send(key, { input }));
  await failing.arrange?.();
  let first: number;
  try {
    first = await trial.effectsOf(send);
  } finally {
    await failing.restore?.();
  }
  if (first === 0) {
    trial.notTried(name, 'The request had no effect: `failing` has to break what comes after the effect.');
    return;
  }
  const again = await trial.effectsOf(send);
  if (again > 0 && !trial.isRepeating) {
    trial.found('failure_runs_again', { trial: name, effects: first + again, answers });
  }
}

/** Tries a store that is away, without which nothing may run. */
export async function tryStoreDown(trial: Trial): Promise<void> {
  const { kit } = trial.options;
  if (!kit) {
    trial.notTried('a store that is away', 'Run the application on a testkit, and give the audit the `kit`.');
    return;
  }
  const key = trial.newKey();
  const answers: Answer[] = [];
  kit.storeDown();
  try {
    const effects = await trial.effectsOf(async () => answers.push(await trial.send(key)));
    if (effects > 0 && !trial.isRepeating) {
      trial.found('runs_without_store', { trial: 'a store that is away', effects, answers });
    }
  } finally {
    kit.storeUp();
  }
}

/** Finds answers to one key that are not the same. Where no text is kept of an answer, another one says just that. */
export function compare(
  trial: Trial,
  seen: { readonly trial: string; readonly effects: number; readonly answers: readonly Answer[] },
): void {
  const [first, ...others] = seen.answers.filter((answer) => !trial.isNotRetained(answer));
  if (first && others.some((other) => !isSame(first, other))) trial.found('answers_differ', seen);
}

const idOf = ({ scope, key }: TestRecord) => JSON.stringify([scope, key]);
const recordIds = ({ options }: Trial) => (options.kit?.records() ?? []).map(idOf);
