export { createOperator } from './create-operator.ts';
export type { Erased, EraseOptions } from './erase-scope.ts';
export type { FoundKey } from './find-key.ts';
export type {
  ActionOptions,
  CompleteOptions,
  FailOptions,
  KeyAddress,
  KeyOperator,
  MayRepeatOptions,
  OperatorOptions,
  OperatorResult,
} from './key-operator.ts';
export type {
  PendingResolution,
  ResolvedKey,
  ResolvedPending,
  ResolvePendingOptions,
} from './pending-result.ts';
