/** A promise that a test opens: what waits for it goes on just then, without a sleep. */
export interface Gate<T = void> extends Promise<T> {
  open(value: T): void;
}

export function gate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    open = resolve;
  });
  return Object.assign(promise, { open });
}
