import type { GraphQLSchema } from 'graphql';
import { createSchema } from 'graphql-yoga';
import { provider } from './host.ts';

/** The GraphQL API of the examples. */
export const schema: GraphQLSchema = createSchema({
  typeDefs: /* GraphQL */ `
    type Query {
      ok: Boolean
    }
    type Charge {
      id: ID!
      amount: Int!
    }
    type Mutation {
      charge(amount: Int!): Charge!
    }
  `,
  resolvers: {
    Mutation: { charge: (_, { amount }: { amount: number }) => provider.charge(amount) },
  },
});
