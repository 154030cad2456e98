import { structuredPatch } from 'diff';
import { parse, stringify } from 'lossless-json';

const CONTEXT = 3;
/** Where more lines than this differ, the old ones stand before the new ones: to pair them would take too long. */
const MOST_PAIRED = 2_000;

/**
 * Says what differs between two texts as `diff -u` does: a line begins with a blank, `-` or `+`, and `@@` stands where equal ones are left
 * out. JSON is compared by its values, whatever the order of its fields. Equal texts have no lines.
 */
export function lineDiff(from: string, to: string): string[] {
  const [one, other] = [comparable(from), comparable(to)];
  const options = { context: CONTEXT, maxEditLength: MOST_PAIRED };
  const patch = structuredPatch('', '', `${one}\n`, `${other}\n`, '', '', options);
  if (!patch) return [...marked('-', one), ...marked('+', other)];
  return patch.hunks.flatMap(({ oldStart, lines }) => (oldStart > 1 ? ['@@', ...lines] : lines));
}

const marked = (mark: string, text: string) => text.split('\n').map((line) => `${mark}${line}`);

/** Writes JSON with sorted fields, a line each, and numbers with all their digits; any other text is left as it is. */
function comparable(text: string): string {
  try {
    return stringify(sorted(parse(text)), undefined, 2) ?? text;
  } catch {
    return text;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (Object.prototype.toString.call(value) !== '[object Object]' || isNumber(value)) return value;
  const fields = Object.entries(value as object).map(([name, field]) => [name, sorted(field)] as const);
  return Object.fromEntries(fields.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

const isNumber = (value: unknown) => (value as { isLosslessNumber?: boolean }).isLosslessNumber === true;
