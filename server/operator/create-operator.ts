import { anIdempotency } from '../adapter/internals.ts';
import { checkOptions } from '../engine/check-options.ts';
import { type Check, required } from '../engine/option-checks.ts';
import { aText, checkAddress, checkCommand, messageOf } from './check-command.ts';
import { eraseScope } from './erase-scope.ts';
import { findDetail, foundKey } from './find-key.ts';
import { jsonOf } from './json-of.ts';
import type { KeyOperator, OperatorOptions } from './key-operator.ts';
import { resolvePending } from './resolve-pending.ts';
import { openOperator } from './services.ts';
import { take } from './take-command.ts';

const CHECKS: Readonly<Record<keyof OperatorOptions, Check>> = {
  idempotency: anIdempotency,
  by: required(aText(1, 200), 'stripe-webhook'),
  rerunners: { expected: 'an array of what createGraphQLRerunner and its kin make', accepts: Array.isArray },
};

/**
 * Makes an operator by code: whoever knows what became of an effect, such as the provider's webhook or a script, settles a key with
 * it. It needs MongoDB, and none of the dashboard's packages.
 * @experimental
 * @example
 * const operator = createOperator({ idempotency, by: 'stripe-webhook' })
 * await operator.complete({ scope, key }, { data: { chargeId: charge.id }, reason: `Stripe has ${charge.id}`, commandKey: event.id })
 * @throws TypeError for an option that is missing or wrong, and for a store that is not of MongoDB
 */
export function createOperator(options: OperatorOptions): KeyOperator {
  checkOptions<OperatorOptions>(options, CHECKS, { of: 'createOperator' });
  const services = openOperator(options);
  return {
    async find(address) {
      checkAddress(address);
      const detail = await findDetail(services, address);
      return detail ? foundKey(detail) : null;
    },
    async complete(address, given) {
      checkCommand('complete', given);
      const { data, api, ...command } = given;
      return take(services, address, { ...command, action: 'complete', response: jsonOf(data), api });
    },
    async fail(address, given) {
      checkCommand('fail', given);
      const { error, api, ...command } = given;
      return take(services, address, { ...command, action: 'fail', response: messageOf(error), api });
    },
    async allowRetry(address, given) {
      checkCommand('allowRetry', given);
      return take(services, address, { ...given, action: 'allow_retry' });
    },
    async expire(address, given) {
      checkCommand('expire', given);
      return take(services, address, { ...given, action: 'expire' });
    },
    async erase(given) {
      checkCommand('erase', given);
      return eraseScope(services, given);
    },
    async resolvePending(given = {}) {
      checkCommand('resolvePending', given);
      return resolvePending(services, given);
    },
  };
}
