import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { type Shop, type ShopOptions, startShop } from './support.ts';

/** A shop whose schema knows `@idempotent`. */
export function startKeyedShop(options: ShopOptions = {}): Promise<Shop> {
  const { typeDefs = 'type Mutation { pay(amount: Int): Int ship(to: String): String }', ...rest } = options;
  return startShop({
    mutations: { pay: ({ amount }) => amount, ship: ({ to }) => to },
    ...rest,
    typeDefs: `${idempotencyDirectives} ${typeDefs}`,
  });
}

/** Key, field and state of each record, in the order of their keys. */
export async function recordsOf(shop: Shop): Promise<string[]> {
  const records = await shop.records();
  return records.map(({ key, operation, state }) => `${key} ${operation} ${state}`).sort();
}
