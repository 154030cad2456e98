import type { Format } from './format.ts';
import { graphqlFormat } from './graphql.ts';
import { httpFormat } from './http.ts';
import { trpcFormat } from './trpc.ts';

/** The formats of all adapters. */
export const FORMATS: readonly Format[] = [graphqlFormat, trpcFormat, httpFormat];
