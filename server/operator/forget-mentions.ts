import type { OperatorScopes } from '../admin/contract/operator.ts';
import type { Document } from '../mongodb/database.ts';
import { BATCH, type Erasure } from './erasure.ts';
import { type Named, namedIn, withoutNames, withoutTerms } from './forgotten-text.ts';
import type { Pseudonym } from './pseudonym.ts';

/** Changes the entries of the audit about keys of the scope: who did what stays, the names go. Returns how many there were. */
export async function forgetEntries(erasure: Erasure): Promise<number> {
  const { audit, scope, pseudonym } = erasure;
  let count = 0;
  for (;;) {
    const entries = await erasure.find(audit, [
      { $match: { scope: { $eq: scope } } },
      { $limit: BATCH },
      { $project: { key: 1, reason: 1, note: 1, command: 1, commandKey: 1 } },
    ]);
    if (entries.length === 0) return count;
    await erasure.update(
      audit,
      entries.map(({ _id, key, ...texts }) => {
        const named = { scope, key: typeof key === 'string' ? key : undefined };
        const set = changed(texts, (text) => withoutNames(text, named, pseudonym));
        const names = {
          scope: pseudonym.scope,
          ...(named.key !== undefined && { key: pseudonym.keyOf(named.key) }),
        };
        return {
          _id,
          u: { $set: { ...set, ...names }, $unset: { beforeRecord: '', afterRecord: '', evidence: '' } },
        };
      }),
    );
    count += entries.length;
  }
}

/**
 * Changes the entries of exports and bulk jobs whose filter names the scope, or a key of it. Which keys are of the scope is known only
 * as long as its records and entries are there. Returns how many there were.
 */
export async function forgetFilters(erasure: Erasure): Promise<number> {
  const { audit, pseudonym } = erasure;
  let count = 0;
  for await (const { _id, ...texts } of filterEntries(erasure)) {
    const all = Object.values(texts).filter((text) => typeof text === 'string');
    if (!(await isForgotten(erasure, namedIn(all.join('\n'))))) continue;
    const set = changed(texts, (text) => withoutTerms(text, pseudonym));
    await erasure.update(audit, [{ _id, u: { $set: set } }]);
    count += 1;
  }
  return count;
}

/** Reads the entries that are about no single key and whose note has a filter with a scope or key. */
async function* filterEntries(erasure: Erasure): AsyncGenerator<Document> {
  const has = (term: string) => ({ $gte: [{ $indexOfBytes: ['$note', term] }, 0] });
  const match = { scope: { $exists: false }, note: { $type: 'string' } };
  let last: unknown;
  for (;;) {
    const entries = await erasure.find(erasure.audit, [
      { $match: { ...match, ...(last !== undefined && { _id: { $gt: last } }) } },
      { $match: { $expr: { $or: [has('scope "'), has('key "')] } } },
      { $sort: { _id: 1 } },
      { $limit: BATCH },
      { $project: { note: 1, command: 1 } },
    ]);
    yield* entries;
    if (entries.length < BATCH) return;
    last = entries.at(-1)?._id;
  }
}

/** Takes the scope out of bulk jobs: their items, samples, filters, and the operators' scopes. Returns both counts. */
export async function forgetJobs(erasure: Erasure): Promise<{ jobItems: number; jobs: number }> {
  const { jobs, scope, pseudonym } = erasure;
  const mentioned = await erasure.find(jobs, [
    { $match: { kind: 'job' } },
    {
      $match: {
        $or: [
          ...JOB_FIELDS.map((field) => ({ [field]: { $eq: scope } })),
          { 'filter.key': { $type: 'string' } },
        ],
      },
    },
    { $project: { filter: 1, sample: 1, scopes: 1, reason: 1, error: 1, commandKey: 1 } },
  ]);
  let count = 0;
  for (const { _id, filter, sample, scopes, ...texts } of mentioned as unknown as JobDocument[]) {
    const isFilter = filter ? await isForgotten(erasure, filter) : false;
    const rest = sample.filter((row) => row.scope !== scope);
    const isOperator = scopes !== undefined && namesOf(scopes).includes(scope);
    if (!isFilter && !isOperator && rest.length === sample.length) continue;
    const set = {
      ...changed(texts, (text) =>
        withoutNames(text, { scope, key: isFilter ? filter?.key : undefined }, pseudonym),
      ),
      sample: rest,
      ...(isFilter && { filter: { ...filter, ...pseudonymsOf(filter, erasure) } }),
      ...(scopes && isOperator && { scopes: withPseudonym(scopes, scope, pseudonym) }),
    };
    await erasure.update(jobs, [{ _id, u: { $set: set } }]);
    count += 1;
  }
  return { jobItems: await forgetItems(erasure), jobs: count };
}

async function forgetItems(erasure: Erasure): Promise<number> {
  const { jobs, scope } = erasure;
  let count = 0;
  for (;;) {
    const items = await erasure.find(jobs, [
      { $match: { scope: { $eq: scope } } },
      { $limit: BATCH },
      { $project: { _id: 1 } },
    ]);
    if (items.length === 0) return count;
    count += await erasure.delete(jobs, { _id: { $in: items.map(({ _id }) => _id) } });
  }
}

interface JobDocument {
  readonly _id: unknown;
  readonly filter: Named | null;
  readonly sample: readonly { readonly scope: string }[];
  readonly scopes?: OperatorScopes;
}

const JOB_FIELDS = ['filter.scope', 'sample.scope', 'scopes', 'scopes.under'];

const namesOf = (scopes: OperatorScopes): readonly string[] => ('under' in scopes ? [scopes.under] : scopes);

function withPseudonym(scopes: OperatorScopes, scope: string, pseudonym: Pseudonym): OperatorScopes {
  const named = (one: string) => (one === scope ? pseudonym.scope : one);
  return 'under' in scopes ? { under: named(scopes.under) } : scopes.map(named);
}

/** Tells whether a filter is about the scope: it names the scope, or one of its keys and no scope. */
async function isForgotten(erasure: Erasure, { scope, key }: Named): Promise<boolean> {
  if (scope !== undefined) return scope === erasure.scope;
  return key !== undefined && (await erasure.hasKey(key));
}

function pseudonymsOf(filter: Named | null, { pseudonym }: Erasure): Named {
  return {
    ...(filter?.scope !== undefined && { scope: pseudonym.scope }),
    ...(filter?.key !== undefined && { key: pseudonym.keyOf(filter.key) }),
  };
}

/** Changes the texts of a document that are there. */
function changed(texts: Document, change: (text: string) => string): Document {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (typeof text === 'string' ? [[name, change(text)]] : [])),
  );
}
