export type { Rerunner } from '../../server/admin/rerunner.ts';
export type { AuthorizeReplay, Replay } from './call/replay.ts';
export type { MutationOperation } from './document/operation.ts';
export type { IdempotencyContext } from './host/context.ts';
export type { IdempotencyPlugin } from './host/plugin.ts';
export type { UseIdempotencyOptions } from './options.ts';
export type { GraphQLRerunActor } from './rerunner/rerun-server.ts';
export { createGraphQLRerunner, type GraphQLRerunnerOptions } from './rerunner/rerunner.ts';
export { idempotencyDirectives, unprotectedMutations } from './schema/directives.ts';
export {
  createKeyStatusField,
  type GraphQLKeyStatus,
  type GraphQLQuestion,
  type GraphQLStoredResult,
  type KeyStatusField,
  type KeyStatusFieldOptions,
} from './status/create-key-status-field.ts';
export { useIdempotency } from './use-idempotency.ts';
