export type { IdempotencyContext } from './context.ts';
export { idempotencyDirectives, unprotectedMutations } from './directives.ts';
export type { MutationOperation } from './operation.ts';
export type { UseIdempotencyOptions } from './options.ts';
export type { IdempotencyPlugin } from './plugin.ts';
export type { AuthorizeReplay, Replay } from './replay.ts';
export { createGraphQLReplayer, type GraphQLReplayerOptions } from './replayer.ts';
export { useIdempotency } from './use-idempotency.ts';
