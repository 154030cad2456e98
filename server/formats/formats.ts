import type { Format } from './format.ts';
import { graphqlFormat } from './graphql.ts';
import { httpFormat } from './http.ts';
import { jsonFormat } from './json.ts';
import { trpcFormat } from './trpc.ts';

/** The formats of all adapters, and of `idempotency.run(...)`. */
export const FORMATS: readonly Format[] = [graphqlFormat, trpcFormat, httpFormat, jsonFormat];
