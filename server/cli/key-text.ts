import type { BodyText, KeyPage } from '../admin/contract/contract.ts';
import type { ShownKey } from './keys-session.ts';

/** Writes one line a key, and remarks about the page. */
export function listText({ rows, next, searched }: KeyPage): { rows: string[]; remarks: string[] } {
  const lines = rows.map((row) =>
    [row.id, row.state, row.outcome ?? '-', shown(row.scope), shown(row.key), shown(row.operation)].join(
      '\t',
    ),
  );
  if (next === null) return { rows: lines, remarks: rows.length === 0 ? ['Nothing matches.'] : [] };
  const { records, complete, backTo } = searched;
  const since = backTo === null ? '' : `, back to ${new Date(backTo).toISOString()}`;
  const far = complete ? [] : [`Looked at ${records} records${since}.`];
  return { rows: lines, remarks: [...far, `More: --cursor ${next}`] };
}

export function detailText(detail: ShownKey): string {
  const { id, scope, key, operation, sentence, timeline, request, response, actions } = detail;
  const events = timeline.map(({ at, event, by, reason }) => {
    const time = at === null ? '-' : new Date(at).toISOString();
    return `  ${time}  ${event}${by === null ? '' : ` by ${shown(by)}`}${reason === null ? '' : `: ${shown(reason)}`}`;
  });
  const offered = actions.filter(({ refused }) => refused === null).map(({ action }) => action);
  const { attempts, fence, leaseExpiresAt, expiresAt, refusals } = detail;
  const times = [
    ['Lease until', leaseExpiresAt],
    ['Forgotten', expiresAt],
  ] as const;
  return [
    `${id}  ${shown(scope)}  ${shown(key)}  ${shown(operation)}`,
    shown(sentence),
    `A retry: ${detail.preview.sentence} ${detail.preview.otherPayload}`,
    `Attempts: ${attempts}  Fence: ${fence}`,
    ...times.flatMap(([name, at]) => (at === null ? [] : [`${name}: ${new Date(at).toISOString()}`])),
    ...refusals.map(
      ({ code, count, lastAt }) =>
        `Refused: ${count} × ${shown(code)}, last at ${new Date(lastAt).toISOString()}`,
    ),
    ...events,
    ...bodyLines('Request', request),
    ...bodyLines('Response', response),
    `Actions: ${offered.join(', ') || 'none'}`,
  ].join('\n');
}

function bodyLines(title: string, body: BodyText | null): string[] {
  if (body === null) return [];
  const { text, cut, format, damage, omitted, encrypted } = body;
  const kind = format === null ? title : `${title} (${shown(format)})`;
  if (text === null) {
    const why =
      damage ?? omitted ?? (encrypted ? 'encrypted, and no --cipher here opens it' : 'it can not be read');
    return [`${kind}: ${shown(why)}`];
  }
  return [`${kind}:`, ...text.split('\n').map((line) => `  ${shown(line)}`), ...(cut ? ['  …'] : [])];
}

/** A stored text may hold what a terminal would obey, and signs that turn a line around. */
function shown(text: string): string {
  return text.replace(/\p{C}/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}
