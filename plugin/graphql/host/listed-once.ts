// Recognised by this brand: a host may load two copies of this package.
const PLUGIN = Symbol.for('latchkey.useIdempotency');

/** Makes a plugin known to others of its kind. */
export function listed<Plugin extends object>(plugin: Plugin): Plugin {
  return Object.assign(plugin, { [PLUGIN]: true });
}

/**
 * Two of them would both claim the key of one operation, and the inner one would wait for the outer one for ever.
 * @param plugins of one pipeline
 * @throws TypeError
 */
export function checkListedOnce(plugins: readonly unknown[]): void {
  const found = plugins.filter((plugin) => typeof plugin === 'object' && plugin !== null && PLUGIN in plugin);
  if (found.length <= 1) return;
  throw new TypeError(
    `Expected useIdempotency once among the plugins, got ${found.length}: each would claim the key of the same operation. ` +
      'List it once; give it the policies of all mutations in `fields`',
  );
}
