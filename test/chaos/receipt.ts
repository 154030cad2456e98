import type { Receipt } from '../history/history.ts';

/** A receipt is one text, so that it can be found in what a record stores, whatever API has stored it. */
export function receiptText({ scope, key, amount, fence }: Receipt): string {
  return `receipt:${[scope, key, amount, fence].join(':')};`;
}

/** Reads the first receipt in a text; undefined where it has none. */
export function receiptIn(text: string): Receipt | undefined {
  const [, scope, key, amount, fence] = /receipt:([^:;]+):([^:;]+):(\d+):(\d+);/.exec(text) ?? [];
  if (scope === undefined || key === undefined) return undefined;
  return { scope, key, amount: Number(amount), fence: Number(fence) };
}
