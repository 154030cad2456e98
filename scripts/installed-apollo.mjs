// Bundled and run in an app that has just installed the package beside Apollo Client: one mutation carries one key.
import assert from 'node:assert/strict';
import { ApolloClient, ApolloLink, InMemoryCache, Observable } from '@apollo/client/core';
import { parse } from 'graphql';
import { IdempotencyLink } from 'latchkey/client/apollo';

const keys = [];
const server = new ApolloLink((operation) => {
  keys.push(operation.extensions.idempotencyKey);
  return new Observable((observer) => {
    observer.next({ data: { pay: 1 } });
    observer.complete();
  });
});
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([new IdempotencyLink(), server]),
});

const { data } = await client.mutate({ mutation: parse('mutation { pay }') });
assert.equal(data.pay, 1);
assert.equal(keys.length, 1);
assert.match(keys[0], /^[\da-f-]{36}$/);
console.log('Apollo Client sends the key');
