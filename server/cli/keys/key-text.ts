import type { BodyText, DryRun, OfferedAction, Preview } from '../../admin/contract/contract.ts';
import { isoTime, shown } from '../terminal/table.ts';
import { lineDiff } from './line-diff.ts';
import type { PreviewedKey, ShownKey } from './show.ts';

export function detailText(detail: ShownKey): string {
  const { id, scope, key, operation, sentence, timeline, request, response, actions } = detail;
  const events = timeline.map(({ at, event, by, reason }) => {
    const time = at === null ? '-' : isoTime(at);
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
    retryLine(detail.preview),
    `Attempts: ${attempts}  Fence: ${fence}`,
    ...times.flatMap(([name, at]) => (at === null ? [] : [`${name}: ${isoTime(at)}`])),
    ...refusals.map(
      ({ code, count, lastAt }) => `Refused: ${count} × ${shown(code)}, last at ${isoTime(lastAt)}`,
    ),
    ...events,
    ...bodyLines('Request', request),
    ...bodyLines('Response', response),
    `Actions: ${offered.join(', ') || 'none'}`,
    ...linkLines(detail.link),
  ].join('\n');
}

const retryLine = ({ sentence, otherPayload }: Preview) => `A retry: ${sentence} ${otherPayload}`;

export function previewText({ id, sentence, preview, actions, link }: PreviewedKey): string {
  return [
    `${id}  ${shown(sentence)}`,
    retryLine(preview),
    ...actions.map(({ action, refused, effect, ...asked }) => {
      const name = action.replaceAll('_', '-');
      return refused === null
        ? `  ${name}: ${effect}${askedFor(asked)}`
        : `  ${name}: not now. ${shown(refused)}.`;
    }),
    ...linkLines(link),
  ].join('\n');
}

const linkLines = (link: string | null) => (link === null ? [] : [`Dashboard: ${link}`]);

/** Names the options by which an action is confirmed. */
function askedFor({ confirm, mayRepeat }: Pick<OfferedAction, 'confirm' | 'mayRepeat'>): string {
  const options = [
    ...(confirm === null ? [] : [`--yes-${confirm}`]),
    ...(mayRepeat ? ['--yes-may-repeat'] : []),
  ];
  return options.length === 0 ? '' : ` It asks for ${options.join(' and ')}.`;
}

function bodyLines(title: string, body: BodyText | null): string[] {
  if (body === null) return [];
  const { text, cut, format } = body;
  const kind = format === null ? title : `${title} (${shown(format)})`;
  if (text === null) return [`${kind}: ${shown(whyNoText(body))}`];
  return [`${kind}:`, ...text.split('\n').map((line) => `  ${shown(line)}`), ...(cut ? ['  …'] : [])];
}

/** Says why a body has no text here. */
export function whyNoText({ damage, omitted, encrypted }: BodyText): string {
  return damage ?? omitted ?? (encrypted ? 'encrypted, and no --cipher here opens it' : 'it can not be read');
}

interface ShownDryRun extends Pick<OfferedAction, 'confirm' | 'mayRepeat'> {
  readonly note: string;
  readonly before: string;
  readonly after: string;
  readonly beforeRecord: string;
  readonly afterRecord: string;
  readonly sent?: DryRun;
}

export function dryRunText({ sent, ...foreseen }: ShownDryRun): string {
  const { note, before, after, beforeRecord, afterRecord } = foreseen;
  const request = sent?.request ?? null;
  return [
    `Nothing was changed. ${note}${askedFor(foreseen)}`,
    `  ${before} → ${after}`,
    ...lineDiff(beforeRecord, afterRecord).map(shown),
    ...(sent ? [`It would be sent as ${shown(sent.actsAs ?? '')}:`] : []),
    ...(request === null ? [] : request.split('\n').map((line) => `  ${shown(line)}`)),
  ].join('\n');
}
