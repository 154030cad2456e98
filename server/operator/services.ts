import { hostname } from 'node:os';
import { internalsOf } from '../adapter/internals.ts';
import { openerOf } from '../admin/bodies/body-access.ts';
import { Audit } from '../admin/collections/audit.ts';
import { Records } from '../admin/collections/records.ts';
import { requireMongoStore } from '../admin/collections/require-mongo-store.ts';
import type { Actor } from '../admin/contract/operator.ts';
import type { ActionServices } from '../admin/services/services.ts';
import type { ReadableRecord } from '../bodies/stored-text.ts';
import { stepValueOf } from '../execution/step-value.ts';
import type { OperatorOptions } from './key-operator.ts';

/** An operator by code works with these services, in the name of the actor. */
export interface OperatorServices extends ActionServices {
  readonly actor: Actor;
  /** Gives the value of a finished step. @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED */
  openStep(record: ReadableRecord, step: string): Promise<unknown>;
}

/**
 * Puts the services of an operator together. Nothing is read or written yet.
 * @throws TypeError for a store that is not of MongoDB
 */
export function openOperator({ idempotency, by, rerunners = [] }: OperatorOptions): OperatorServices {
  const internals = internalsOf(idempotency);
  const { db, collection } = requireMongoStore(internals.store);
  const records = new Records(db, collection);
  return {
    records,
    audit: new Audit(records),
    policy: internals.policy(),
    readOnly: false,
    rerunners,
    open: openerOf(internals),
    openStep: (record, step) => stepValueOf(() => internals.open(record, { step })),
    seal: internals.seal,
    tell: internals.report,
    actor: { id: by, role: 'admin', via: `code, on ${hostname()}` },
  };
}
