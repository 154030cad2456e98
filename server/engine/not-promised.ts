/**
 * Passes on what a developer's function returned, where nobody can wait for a promise.
 * @throws TypeError for a promise: taken for a value it would count as true, and its rejection would end the process
 */
export function notPromised<T>(returned: T, option: string): T {
  if (typeof returned !== 'object' || returned === null || !('then' in returned)) return returned;
  Promise.resolve(returned).catch(() => {});
  throw new TypeError(
    `Expected \`${option}\` to return its value at once, got a promise; it can not be async`,
  );
}
