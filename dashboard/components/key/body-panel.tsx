import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Braces, EyeOff, KeyRound } from 'lucide-react';
import { useRef, useState } from 'react';
import type { BodyInfo, BodyText, KeyDetail } from '../../../server/admin/contract/contract.ts';
import { useReadOnlyReason } from '../../hooks/use-me.ts';
import { asCurl } from '../../lib/as-curl.ts';
import { formatBytes } from '../../lib/format.ts';
import { bodyVersionOf } from '../../lib/version.ts';
import { type BodyPart, bodyQuery } from '../../queries.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Notice } from '../ui/notice.tsx';
import { NothingYet, View } from '../ui/view.tsx';
import { BodyContent } from './body-content.tsx';
import { RevealDialog } from './reveal-dialog.tsx';

const OMITTED: Readonly<Record<string, string>> = {
  too_large: 'It was larger than `maxResultBytes`, so that only its outcome was kept.',
  unserializable: 'It could not be written as text, so that only its outcome was kept.',
  purged: 'An operator purged it. Its outcome was kept.',
  redacted:
    'What `redact` names was taken out before it was stored. The rest is here to be read; a retry gets IDEMPOTENCY_RESULT_NOT_RETAINED.',
  not_kept: 'The policy has `retain: outcome`, so that only its outcome was kept.',
  unsealed: 'It could not be encrypted or redacted, so that only its outcome was kept.',
};

interface BodyPanelProps {
  readonly detail: KeyDetail;
  readonly part: BodyPart;
}

export function BodyPanel({ detail, part }: BodyPanelProps) {
  const info = detail[part];
  if (info === null) {
    return part === 'request' ? (
      <NothingYet title="The request was not captured">
        <p>With the option `captureRequest` it is kept, and can be run again.</p>
      </NothingYet>
    ) : (
      <NothingYet title="No response is stored">
        <p>There is one when a run has completed.</p>
      </NothingYet>
    );
  }
  return (
    <div className="grid gap-3">
      {info.damage !== null && (
        <Notice tone="problem" title="This body is damaged">
          <p>{info.damage}. A retry is refused with IDEMPOTENCY_RESULT_NOT_RETAINED; nothing runs.</p>
        </Notice>
      )}
      {info.omitted !== null && (
        <Notice
          tone="info"
          title={`${info.omitted === 'redacted' ? 'Not kept whole' : 'Not kept'}: ${info.omitted}`}
        >
          <p>{OMITTED[info.omitted] ?? 'Only its outcome was kept.'}</p>
        </Notice>
      )}
      {(info.omitted === null || info.omitted === 'redacted') && (
        <StoredBody detail={detail} part={part} info={info} />
      )}
    </div>
  );
}

function sizeOf({ text, textBytes, bytes }: BodyText): string {
  if (text === null || textBytes === null || textBytes === bytes) return formatBytes(bytes);
  return `${formatBytes(textBytes)} (${formatBytes(bytes)} stored)`;
}

function StoredBody({ detail, part, info }: BodyPanelProps & { info: BodyInfo }) {
  const [whole, setWhole] = useState(false);
  const [revealed, setRevealed] = useState<BodyText | null>(null);
  const [asking, setAsking] = useState(false);
  const [raw, setRaw] = useState(false);
  const readOnly = useReadOnlyReason();
  const content = useRef<HTMLDivElement>(null);
  // The part of the body that is shown stays while more of it is loaded.
  const body = useQuery({
    ...bodyQuery(detail, part, whole, bodyVersionOf(detail)),
    placeholderData: keepPreviousData,
  });

  function loadAll() {
    setWhole(true);
    // The button that has the focus goes away, so the text takes it.
    content.current?.focus();
  }

  return (
    <View query={body} what={`the ${part}`}>
      {(stored) => {
        const shown = revealed ?? stored;
        const curl =
          part === 'request' && shown.text !== null && !shown.cut
            ? asCurl(shown.format, shown.text, detail.key)
            : undefined;
        return (
          <>
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-xs text-muted">
              <span>
                {info.format ?? 'unknown format'} · {sizeOf(stored)}
              </span>
              {shown.encrypted && (
                <span className="flex items-center gap-1">
                  <KeyRound aria-hidden className="size-3.5" /> encrypted at rest
                </span>
              )}
              {shown.text !== null && <CopyButton text={shown.text} what={part} />}
              {curl !== undefined && <CopyButton text={curl} what="request for curl" label="as curl" />}
              {shown.text !== null && !shown.cut && (
                <Button
                  size="small"
                  aria-pressed={raw}
                  title="Show the body in the form in which it is stored"
                  onClick={() => setRaw(!raw)}
                  className="aria-pressed:border-accent aria-pressed:text-accent"
                >
                  <Braces aria-hidden className="size-3.5" /> Raw
                </Button>
              )}
              {shown.redacted && (
                <Button
                  size="small"
                  disabled={readOnly !== null}
                  title={readOnly ?? undefined}
                  onClick={() => setAsking(true)}
                >
                  <EyeOff aria-hidden className="size-3.5" /> Reveal secrets…
                </Button>
              )}
            </div>
            {revealed && (
              <Notice tone="warning" title="Secrets are shown. That you saw them is in the audit trail." />
            )}
            {shown.text === null ? (
              <p className="text-muted">
                {shown.encrypted
                  ? 'It is encrypted, and can not be opened here.'
                  : 'There is no text to show.'}
              </p>
            ) : (
              <div ref={content} tabIndex={-1} className="outline-none">
                <BodyContent
                  text={shown.text}
                  cut={shown.cut}
                  format={raw ? null : shown.format}
                  part={part}
                />
              </div>
            )}
            {shown.cut && !revealed && !whole && (
              <Button className="w-fit" onClick={loadAll} disabled={body.isFetching}>
                {stored.textBytes === null
                  ? 'Load more of it'
                  : `Load all of it (${formatBytes(stored.textBytes)})`}
              </Button>
            )}
            {shown.cut && (revealed || (whole && !body.isFetching)) && (
              <p className="text-muted">It is longer: only its beginning is shown.</p>
            )}
            {asking && (
              <RevealDialog
                detail={detail}
                part={part}
                onRevealed={setRevealed}
                onClose={() => setAsking(false)}
              />
            )}
          </>
        );
      }}
    </View>
  );
}
