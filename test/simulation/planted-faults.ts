/** A fault that is put into a copy of the sources, to show that the simulation notices when the guard is gone. */
export interface PlantedFault {
  /** What goes wrong. */
  readonly name: string;
  readonly file: string;
  /** This text of the file, which it has once, becomes `replace`. */
  readonly find: string;
  readonly replace: string;
}

const STATEMENTS = 'server/mongodb/pipelines/statements.ts';
const CLAIM = 'server/mongodb/pipelines/claim-pipeline.ts';
const STORE = 'server/mongodb/store.ts';
const INSERTS = 'server/mongodb/writes/inserts.ts';
const CLAIMS = 'server/mongodb/claims.ts';
const LEASE = 'server/execution/lease.ts';
const DECIDE = 'server/engine/decide.ts';
const TRANSACTIONS = 'server/execution/transaction-loop.ts';

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: 'a write of a run goes to the record whoever holds it',
    file: STATEMENTS,
    find: 'q: { scope, key, owner, fence, state }, u, c }',
    replace: 'q: { scope, key, state }, u, c }',
  },
  {
    name: 'a write of a run goes to its record in whatever state that is',
    file: STATEMENTS,
    find: 'q: { scope, key, owner, fence, state }, u, c }',
    replace: 'q: { scope, key, owner, fence }, u, c }',
  },
  {
    name: 'a plain completion goes to the record whoever holds it',
    file: STATEMENTS,
    find: 'plain(q, completedUpdate(',
    replace: "plain({ ...address(held), state: 'running' }, completedUpdate(",
  },
  {
    name: 'a plain completion goes to its record in whatever state that is',
    file: STATEMENTS,
    find: 'timed: (times) => plain(q, ',
    replace: 'timed: (times) => plain({ ...address(held), owner: held.owner, fence: held.fence }, ',
  },
  {
    name: 'a key that was seen is answered from memory once it has expired',
    file: 'server/mongodb/known-records.ts',
    find: 'const found = await within(until - performance.now(), read);',
    replace:
      'const seen = ((this.#reader as unknown as { seen: Record<string, Snapshot> }).seen ??= {});' +
      'const found = (seen[idOf(address)] ??= await within(until - performance.now(), read)); read.catch(() => {});',
  },
  {
    name: 'a key that was seen is not claimed again',
    file: CLAIMS,
    find: 'if (known && !isClaimable(known, request)) return',
    replace: 'if (known?.record) return',
  },
  {
    name: 'a running key is taken over within its lease',
    file: STATEMENTS,
    find: 'const lapsed = { $and: [IS_READABLE, isLapsed] };',
    replace: 'const lapsed = { $and: [IS_READABLE] }; void isLapsed;',
  },
  {
    name: 'two callers take the same lapsed key over',
    file: STATEMENTS,
    find: 'const q = { ...address(request), owner, fence, $expr };',
    replace: 'const q = { ...address(request) }; void [owner, fence, $expr];',
  },
  {
    name: 'a crashed run begins again where the policy says that it is in doubt',
    file: STATEMENTS,
    find: "const u = to === 'in_doubt' ? pipelines.lapsed : pipelines.takenOver;",
    replace: 'const u = pipelines.takenOver;',
  },
  {
    name: 'a new claim overwrites the record that is there',
    file: CLAIM,
    find: "{ $cond: [IS_MISSING, record, '$$ROOT'] }",
    replace: '{ $cond: [{ $or: [IS_MISSING, true] }, record, null] }',
  },
  {
    name: 'a completed key is claimed again',
    file: CLAIM,
    find: "[{ $and: [{ $eq: ['$state', 'released'] }, { $not: own }] }, 'kept'],",
    replace: "[{ $and: [{ $ne: ['$state', 'running'] }, { $not: own }] }, 'kept'],",
  },
  {
    name: 'an expired key can not be claimed before it is removed',
    file: CLAIM,
    find: "[{ $lte: ['$expiresAt', now] }, 'new'],",
    replace: '',
  },
  {
    name: 'a renewal does not put the expiry of the record off',
    file: CLAIM,
    find: "return { leaseExpiresAt: latest, expiresAt: orNever({ $add: [latest, '$$keepMs'] }), history: HISTORY };",
    replace: 'return { leaseExpiresAt: latest, history: HISTORY };',
  },
  {
    name: 'a write counts once the primary has it',
    file: 'server/mongodb/writes/update-command.ts',
    find: "writeConcern: { w: 'majority', wtimeout: limitMs },",
    replace: 'writeConcern: { w: 1 },',
  },
  {
    name: 'an inserted claim counts once the primary has it',
    file: INSERTS,
    find: "writeConcern: { w: 'majority', wtimeout: limitMs },",
    replace: 'writeConcern: { w: 1 },',
  },
  {
    name: 'an inserted claim that finds a record is won',
    file: INSERTS,
    find: 'isThere ? { inserted: false,',
    replace: 'isThere ? { inserted: true,',
  },
  {
    name: 'an inserted claim is won though the lock is gone',
    file: INSERTS,
    find: '      lock.isLost = true;\n      return undefined;',
    replace: '      return askedAt;',
  },
  {
    name: 'a record is read before a majority has it',
    file: 'server/mongodb/reader.ts',
    find: "readConcern: { level: 'majority', ...(after",
    replace: "readConcern: { level: 'local', ...(after",
  },
  {
    name: 'a result counts as stored though the record is no longer the run’s',
    file: STORE,
    find: 'if (matched) return { applied: true };',
    replace: 'if (matched || !matched) return { applied: true };',
  },
  {
    name: 'another run’s result counts as the stored one',
    file: STORE,
    find: 'return isOurs(held, stands) && stands.state === target ? { applied: true }',
    replace: 'return stands.state === target ? { applied: true }',
  },
  {
    name: 'a lease never ends by the clock',
    file: LEASE,
    find: 'if (performance.now() >= this.#coveredUntil)',
    replace: 'if (performance.now() < 0)',
  },
  {
    name: 'a lease ends only when a timer says so',
    file: LEASE,
    find: '    this.#lookAtTheClock();\n    return this.#loss !== undefined;',
    replace: '    return this.#loss !== undefined;',
  },
  {
    name: 'a run does not renew its lease',
    file: LEASE,
    find: 'if (!(await this.renew()).applied) return;',
    replace: 'return;',
  },
  {
    name: 'a claim that was acknowledged late starts without a renewal',
    file: 'server/execution/start-execution.ts',
    find: 'const isLate = performance.now() - won.sentAt > request.leaseMs / 3;',
    replace: 'const isLate = performance.now() < 0;',
  },
  {
    name: 'a late claim whose renewal finds another holder starts all the same',
    file: 'server/execution/start-execution.ts',
    find: "if (!renewed.applied) return { do: 'claim_again' };",
    replace: 'void renewed;',
  },
  {
    name: 'a late caller gets its own result beside a newer one',
    file: 'server/execution/recorder.ts',
    find: 'if (!answer.applied && answer.stands && !this.#isOurs(answer.stands)) {',
    replace: 'if (answer.applied === undefined) {',
  },
  {
    name: 'a key answers for whatever input',
    file: DECIDE,
    find: "if (hash === undefined || wanted.includes(hash)) return 'equal';",
    replace: "if (hash !== '') return 'equal';",
  },
  {
    name: 'in one process, a duplicate joins the run of another input',
    file: 'server/execution/local-runs.ts',
    find: 'return run?.fingerprint === request.fingerprints[0] ? run : undefined;',
    replace: 'return run;',
  },
  {
    name: 'keys of all scopes are one',
    file: 'server/engine/address.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template
    find: '`${scope.length}:${scope}${key}`',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template
    replace: '`${scope && key}`',
  },
  {
    name: 'a claim counts its lease from its answer',
    file: 'server/mongodb/writes/command-sender.ts',
    find: 'readReply(reply, group.length, sentAt)',
    replace: 'readReply(reply, group.length, performance.now())',
  },
  {
    name: 'an inserted claim believes in its whole lease',
    file: INSERTS,
    find: 'sentAt: Math.min(sentAt, leasedAt)',
    replace: 'sentAt',
  },
  {
    name: 'a result that could not be stored is not sent again',
    file: 'server/execution/recorder.ts',
    find: 'host.track(this.#keepTrying(settlement));',
    replace: 'void this.#keepTrying;',
  },
  // Only days of transactions find those that follow.
  {
    name: 'a commit whose answer is lost is taken for done',
    file: TRANSACTIONS,
    find: "        case 'unknown':\n          return answer;",
    replace: "        case 'unknown':\n          return { to: 'committed', ...committing };",
  },
  {
    name: 'what a handler that failed has written is committed',
    file: TRANSACTIONS,
    find: '    await transaction.abort();\n    return next;',
    replace:
      '    await (transaction.session as unknown as { commitTransaction(): Promise<void> }).commitTransaction().catch(() => {});' +
      '    await transaction.abort();\n    return next;',
  },
  {
    name: 'a caller gets the answer of the first attempt, though the second was committed',
    file: TRANSACTIONS,
    find: 'const committing = { value, completion };',
    replace:
      'const first = this as unknown as { first?: { value: Value; completion: Completion } };' +
      'const committing = (first.first ??= { value, completion });',
  },
  {
    name: 'a commit counts once the primary has it',
    file: 'server/mongodb/transaction.ts',
    find: "writeConcern: { w: 'majority' },",
    replace: 'writeConcern: { w: 1 },',
  },
  {
    name: 'a crash leaves a transaction in doubt',
    file: DECIDE,
    find: "if (record.transactional) return { do: 'take_over', record, to: 'running' };",
    replace: '',
  },
];
