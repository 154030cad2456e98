import { parse, stringify } from 'lossless-json';

const CONTEXT = 3;
/** Where more lines than this differ, the old ones stand before the new ones: to pair them would take too long. */
const MOST_PAIRED = 2_000;

/**
 * Says what differs between two texts as `diff -u` does: a line begins with a blank, `-` or `+`, and `@@` stands where equal ones are left
 * out. JSON is compared by its values, whatever the order of its fields. Equal texts have no lines.
 */
export function lineDiff(from: string, to: string): string[] {
  const lines = compare(comparable(from).split('\n'), comparable(to).split('\n'));
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some((line) => !line.startsWith(' ')),
  );
  if (!isNear.includes(true)) return [];
  return lines.flatMap((line, index) => {
    if (isNear[index]) return [line];
    return index === 0 || isNear[index - 1] ? ['@@'] : [];
  });
}

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

function compare(from: readonly string[], to: readonly string[]): string[] {
  const most = Math.min(from.length, to.length);
  let head = 0;
  while (head < most && from[head] === to[head]) head += 1;
  let tail = 0;
  while (tail < most - head && from.at(-1 - tail) === to.at(-1 - tail)) tail += 1;
  const same = (line: string) => ` ${line}`;
  return [
    ...from.slice(0, head).map(same),
    ...paired(from.slice(head, from.length - tail), to.slice(head, to.length - tail)),
    ...from.slice(from.length - tail).map(same),
  ];
}

/** Pairs equal lines by their longest common subsequence. */
function paired(from: readonly string[], to: readonly string[]): string[] {
  const isLong = Math.max(from.length, to.length) > MOST_PAIRED;
  const width = to.length + 1;
  const lengths = isLong ? new Uint16Array(0) : lengthsOf(from, to);
  const at = (one: number, other: number) => lengths[one * width + other] ?? 0;
  const lines: string[] = [];
  let [one, other] = [0, 0];
  while (one < from.length || other < to.length) {
    if (!isLong && one < from.length && from[one] === to[other]) {
      lines.push(` ${from[one++]}`);
      other += 1;
    } else if (one < from.length && (other >= to.length || at(one + 1, other) >= at(one, other + 1))) {
      lines.push(`-${from[one++]}`);
    } else {
      lines.push(`+${to[other++]}`);
    }
  }
  return lines;
}

/** Counts for each pair of positions how many lines in a row the rest of both have in common. */
function lengthsOf(from: readonly string[], to: readonly string[]): Uint16Array {
  const width = to.length + 1;
  const lengths = new Uint16Array((from.length + 1) * width);
  for (let one = from.length - 1; one >= 0; one -= 1) {
    for (let other = to.length - 1; other >= 0; other -= 1) {
      const next = (one + 1) * width + other;
      lengths[one * width + other] =
        from[one] === to[other]
          ? (lengths[next + 1] ?? 0) + 1
          : Math.max(lengths[next] ?? 0, lengths[one * width + other + 1] ?? 0);
    }
  }
  return lengths;
}
