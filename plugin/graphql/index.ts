export type { Rerunner } from '../../server/admin/rerunners/rerunner.ts';
export type { GraphQLFieldFunctions, GraphQLFieldPolicy, GraphQLFieldResult } from './call/field-policy.ts';
export type {
  AnyMutations,
  AuthorizeReplay,
  CalledField,
  GraphQLCall,
  GraphQLFieldCall,
  KeyOfCall,
  MutationArgs,
  MutationData,
  MutationName,
} from './call/graphql-call.ts';
export type { ClientRequest, FindRequest } from './host/client-request.ts';
export type { IdempotencyContext } from './host/context.ts';
export type { IdempotencyPlugin } from './host/plugin.ts';
export type { GraphQLFieldPolicies, GraphQLPolicy, UseIdempotencyOptions } from './options.ts';
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
