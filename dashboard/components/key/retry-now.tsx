import { useQuery } from '@tanstack/react-query';
import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import { codeIn, REFUSAL_ANSWERS } from '../../lib/refusal-answers.ts';
import { versionOf } from '../../lib/version.ts';
import { previewQuery } from '../../queries.ts';
import { View } from '../ui/view.tsx';

/** Says what a client gets now that sends the same request again, or another one with this key. */
export function RetryNow({ detail }: { detail: KeyDetail }) {
  const preview = useQuery(previewQuery(detail, versionOf(detail)));
  return (
    <View query={preview} what="what a retry would get" lines={2}>
      {({ sentence, code, otherPayload }) => (
        <dl className="mt-3 grid gap-x-6 gap-y-3 border-t border-line pt-3 sm:grid-cols-2">
          <Answer to="The same request, sent again now" sentence={sentence} code={code ?? undefined} />
          <Answer
            to="Another request with this key"
            sentence={otherPayload.replace('Another payload with this key', 'It')}
            code={codeIn(otherPayload)}
          />
        </dl>
      )}
    </View>
  );
}

function Answer({ to, sentence, code }: { to: string; sentence: string; code: string | undefined }) {
  const answer = code === undefined ? undefined : REFUSAL_ANSWERS[code];
  return (
    <div className="min-w-0">
      <dt className="eyebrow">{to}</dt>
      <dd className="wrap-anywhere">
        {sentence}
        {answer && (
          <details className="mt-1 text-xs text-muted">
            <summary className="w-fit rounded hover:text-ink">
              Status {answer.status}: {answer.advice.split('. ')[0]?.replace(/\.$/, '')}.
            </summary>
            <p className="mt-1">
              The client reads: “{answer.message}”, with the code {code}.
            </p>
            <p className="mt-1">{answer.advice}</p>
          </details>
        )}
      </dd>
    </div>
  );
}
