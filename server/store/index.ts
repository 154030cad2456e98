export type { Address } from '../engine/address.ts';
export { type ClaimRequest, type Decision, decide } from '../engine/decide.ts';
export {
  type CompletedRecord,
  headOf,
  type InDoubtRecord,
  type KeyRecord,
  type ReleasedRecord,
  type RunningRecord,
  readRecord,
  type StoredRecord,
} from '../engine/record.ts';
export type { ClaimAnswer, Held, Snapshot, Store, StoreNeeds, WriteAnswer } from '../engine/store.ts';
export {
  claimed,
  type FinishedStep,
  givenUp,
  type LeaseTerms,
  lapsed,
  maySettle,
  mayTakeOver,
  renewed,
  type Settlement,
  settled,
  stepped,
  type Takeover,
  takenOver,
} from '../engine/transitions.ts';
