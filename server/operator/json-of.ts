import { whatCame } from '../engine/what-came.ts';

/** @throws TypeError for data that JSON can not hold */
export function jsonOf(data: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw new TypeError(`Expected \`data\` to be something that JSON can hold: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (json === undefined)
    throw new TypeError(`Expected \`data\` to be something that JSON can hold, got ${whatCame(data)}`);
  return json;
}
