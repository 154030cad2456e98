import { TRPCError } from '@trpc/server';
import { lostRunOf } from '../../engine/lost-run.ts';
import { standingOf } from '../../engine/operator.ts';
import { type KeyRecord, readRecord } from '../../engine/record.ts';
import { downstreamKeyOf } from '../../run/run.ts';
import { requireLife } from '../collections/require-life.ts';
import type { ActionCommand, Evidence, KeyDetail, TakenEvidence } from '../contract/contract.ts';
import type { Operator } from '../contract/operator.ts';
import type { ProbedRecord } from '../contract/probe.ts';
import { readStored } from '../keys/read-stored.ts';
import type { AdminServices } from '../services/services.ts';
import { askProbe } from './ask-probe.ts';
import { noSuchKey } from './find-detail.ts';

/**
 * Asks the probe of a key's operation whether the effect is there. Nothing changes; what was answered is kept for an hour, so that an action can
 * name it.
 * @param life as the page saw it
 * @throws TRPCError CONFLICT in another life of the key, BAD_REQUEST where its operation has no probe
 */
export async function readEvidence(
  services: AdminServices,
  operator: Operator,
  { id }: Pick<KeyDetail, 'id'>,
  life: string | undefined,
): Promise<Evidence> {
  const { records, probes, evidences } = services;
  const stored = await readStored(records, id);
  if (!stored) throw noSuchKey();
  const record = readRecord(stored.record);
  if (!record) throw new TRPCError({ code: 'BAD_REQUEST', message: 'The record can not be understood' });
  requireLife(String(record.life), life);
  const probe = probes.get(record.operation);
  if (!probe)
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: `There is no probe for ${record.operation} (option \`probes\`)`,
    });
  const began = performance.now();
  const findings = await askProbe(probe, probedRecord(id, record, stored.now));
  const tookMs = Math.round(performance.now() - began);
  const at = await records.now();
  const evidence = { source: record.operation, at: at.getTime(), tookMs, ...findings };
  const { scope } = record;
  const of = { keyId: id, scope, life: String(record.life), by: operator.id };
  return { id: await evidences.add(of, evidence), ...evidence };
}

function probedRecord(id: string, record: KeyRecord, now: Date): Omit<ProbedRecord, 'signal'> {
  const { scope, key, operation, steps = [] } = record;
  const isOpen = record.state === 'running' || record.state === 'in_doubt';
  const { attempt, startedAt, reason } = isOpen
    ? lostRunOf(record)
    : { attempt: record.attempts, startedAt: record.startedAt, reason: undefined };
  return {
    recordId: id,
    scope,
    key,
    operation,
    state: standingOf(record, now),
    attempt,
    startedAt,
    reason,
    finishedSteps: steps.map(({ name }) => name),
    downstreamKey: (name) => downstreamKeyOf(record, name),
  };
}

/**
 * Finds the evidence that a command names, and the response of the command: that of the evidence where the operator gave none.
 * @throws TRPCError BAD_REQUEST for evidence of another key or life, of another operator, or older than an hour
 */
export async function takenEvidence(
  { evidences }: AdminServices,
  { id: by }: Operator,
  { action, evidence: id, seen, response }: ActionCommand,
): Promise<{ readonly response?: string; readonly taken?: TakenEvidence }> {
  const given = response === undefined ? {} : { response };
  if (id === undefined) return given;
  const found = await evidences.find(id, { keyId: seen.id, life: seen.life, by });
  if (!found)
    throw new TRPCError({
      code: 'BAD_REQUEST',
      message: 'This evidence is not of this key, or older than an hour: ask the probe again',
    });
  const { data, ...taken } = found;
  const isTakenOver = action === 'complete' && data !== null && response === undefined;
  return { ...given, ...(isTakenOver && { response: data }), taken };
}
