import { isObject } from '../../server/engine/option-checks.ts';
import { whatCame } from '../../server/engine/what-came.ts';

/** Checks the first argument of `createIdempotencyMiddleware`. @throws TypeError with the code to write */
export function checkRoot(t: unknown): void {
  if (isObject(t) && isObject(t._config) && typeof t.middleware === 'function' && t.procedure) return;
  throw new TypeError(
    `Expected the first argument of createIdempotencyMiddleware(...) to be the root of your tRPC server, got ${rootInWords(t)}; ` +
      'write `const t = initTRPC.context<Context>().create()` and `createIdempotencyMiddleware(t, { … })`',
  );
}

function rootInWords(t: unknown): string {
  if (!isObject(t)) return whatCame(t);
  if ('_def' in t) return 'the procedure or router of one';
  if (typeof t.create === 'function') return 'initTRPC, of which no root was created';
  if ('idempotency' in t) return 'the options, which come second';
  return whatCame(t);
}

/**
 * Makes it an error to give something to the method of tRPC that reads this property of it, while the procedure is built.
 * Without it, tRPC would take it for a middleware, and fail in its own words at each call.
 */
export function refusing<Target extends object>(
  target: Target,
  property: '_middlewares' | '_def',
  message: string,
): Target {
  return Object.defineProperty(target, property, {
    get() {
      throw new TypeError(message);
    },
  });
}
