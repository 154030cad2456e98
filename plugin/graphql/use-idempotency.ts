import type { AnyMutations } from './call/graphql-call.ts';
import { operationOf } from './document/per-operation.ts';
import { keyDirectives } from './fields/field-keys.ts';
import { BypassReport } from './host/bypass.ts';
import { refused } from './host/errors.ts';
import { checkListedOnce, listed } from './host/listed-once.ts';
import type { Args, IdempotencyPlugin, PluginHooks } from './host/plugin.ts';
import { ProtectedPath } from './host/protected-path.ts';
import { Yoga } from './host/yoga.ts';
import { checkPluginOptions, type Options, type UseIdempotencyOptions } from './options.ts';
import { misplaced, type Plan, Planner } from './planner.ts';
import { tellComparer } from './rerunner/comparer.ts';
import { mutationsRequiringKey } from './schema/directives.ts';

/**
 * Runs each keyed mutation once and answers its retries from the record. For Envelop, and for Yoga.
 *
 * The key is `extensions.idempotencyKey`, else the `Idempotency-Key` header; where there is a `key` function, it is what that makes of
 * them. An operation of several root fields is one run with one record, unless its fields have keys of their own (`@idempotent`, or
 * `fields.x.key`). Queries and subscriptions pass by; so do mutations without a key.
 *
 * List it after plugins that bring an executor (`useEngine`, `useGraphQlJit`, a remote one), and before all others: what
 * later plugins put around an execution (access checks, rate limits, caches) also stands in front of a replay. Where a
 * later plugin replaces the executor, mutations that need protection are refused. For checks in resolvers there is
 * `authorizeReplay`.
 *
 * @example
 * createYoga({
 *   schema,
 *   plugins: [useIdempotency<Context>({ idempotency, scope: ({ context }) => context.user?.id })],
 * })
 * @example <caption>With the map that GraphQL Code Generator makes, the names of fields and their arguments are typed</caption>
 * useIdempotency<Context, Resolvers['Mutation']>({
 *   idempotency,
 *   scope: ({ context }) => context.user?.id,
 *   fields: { chargeCard: { require: ({ args }) => args.amount > 0 }, setTheme: { require: false } },
 * })
 * @throws TypeError for an option that is unknown or out of range
 */
export function useIdempotency<Context extends object, Mutations extends object | undefined = AnyMutations>(
  options: UseIdempotencyOptions<Context, Mutations>,
): IdempotencyPlugin<Context> {
  checkPluginOptions(options);
  const yoga = new Yoga();
  const planner = new Planner(options as unknown as Options<Context>, yoga);
  const bypasses = new BypassReport();
  const path = new ProtectedPath((what, bypass) => bypasses.tell(what, bypass));

  return listed<PluginHooks<Context>>({
    ...yoga.hooks,

    onPluginInit({ plugins }) {
      checkListedOnce(plugins);
      plugins.push(path.sentinel); // unlike `addPlugin`, which would put it right after this one
    },

    onEnveloped({ context }) {
      tellComparer(context, (args, known) => planner.compared(args as Args<Context>, known));
    },

    onSchemaChange({ schema }) {
      planner.policies.check(schema, mutationsRequiringKey(schema));
    },

    onExecute({ args, executeFn, setExecuteFn }) {
      const carryOut = (plan: Plan | undefined) => {
        if (plan)
          setExecuteFn(plan.protects ? path.entrance(args, plan.execute, plan.protects) : plan.execute);
      };
      const plan = planner.plan(args, executeFn);
      return plan instanceof Promise ? plan.then(carryOut) : carryOut(plan);
    },

    onSubscribe({ args: { document, operationName }, setSubscribeFn }) {
      const operation = !planner.isOff && operationOf(document, operationName);
      if (!operation || keyDirectives(document, operation) === 'none') return;
      setSubscribeFn(() => refused(misplaced()));
    },
  });
}
