import { useQuery } from '@tanstack/react-query';
import { BadgeCheck, FileInput } from 'lucide-react';
import { type Ref, useRef } from 'react';
import { flushSync } from 'react-dom';
import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import type { ActionForm } from '../../lib/action-form.ts';
import { printJson, readJson } from '../../lib/json-tree.ts';
import { evidenceQuery, likeKeyQuery } from '../../queries.ts';
import { Button } from '../ui/button.tsx';
import { Verbatim } from '../ui/verbatim.tsx';
import { ResponseField } from './response-field.tsx';

interface GivenResponseProps {
  readonly detail: KeyDetail;
  readonly form: ActionForm;
  readonly problem: string | undefined;
  readonly fieldRef: Ref<HTMLTextAreaElement>;
  readonly onChange: (change: Partial<ActionForm>) => void;
  /** Is called when the evidence has filled the field, so that the reason is what is left. */
  readonly onTaken: () => void;
}

/** Takes the response that retries get, as JSON; it may begin as that of another key of the operation. */
export function GivenResponse({ detail, form, problem, fieldRef, onChange, onTaken }: GivenResponseProps) {
  const like = useQuery(likeKeyQuery(detail.operation)).data ?? null;
  const found = useQuery({ ...evidenceQuery(detail), enabled: false }).data;
  const evidence = detail.hasProbe && found?.found === 'yes' && found.data !== null ? found : null;
  const field = useRef<HTMLTextAreaElement>(null);

  function takeOver(given: string, id: string) {
    flushSync(() => onChange({ response: readable(given), evidence: id, like: null }));
    onTaken();
  }

  function begin() {
    if (like === null) return;
    flushSync(() => onChange({ response: like.given, like }));
    field.current?.focus();
    field.current?.select();
  }

  return (
    <div className="grid gap-2">
      <ResponseField
        label="Response data"
        {...textsOf(detail)}
        value={form.response}
        problem={problem}
        inputRef={(element) => {
          field.current = element;
          if (typeof fieldRef === 'function') fieldRef(element);
          else if (fieldRef) fieldRef.current = element;
        }}
        onFill={evidence?.data ? () => takeOver(evidence.data ?? '', evidence.id) : begin}
        onChange={(response) => onChange({ response })}
      />
      {evidence?.data && form.evidence === null && (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
          <Button size="small" tone="soft" onClick={() => takeOver(evidence.data ?? '', evidence.id)}>
            <BadgeCheck aria-hidden className="size-3.5" /> Take over the evidence
          </Button>
          <span className="min-w-0 wrap-anywhere">
            <Verbatim text={evidence.summary} />
          </span>
        </p>
      )}
      {like !== null && form.like === null && evidence === null && (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted">
          <Button size="small" onClick={begin}>
            <FileInput aria-hidden className="size-3.5" /> Begin with another response
          </Button>
          <span className="min-w-0 wrap-anywhere">
            That of{' '}
            <span className="font-mono">
              <Verbatim text={like.key} />
            </span>
            , to be changed. The down arrow in the empty field does so, too.
          </span>
        </p>
      )}
    </div>
  );
}

function readable(json: string): string {
  const node = readJson(json);
  return node ? printJson(node) : json;
}

/** Says in which form a response is given: that of the API that the key came by, where its bodies say which. */
function textsOf({ operation, request, response }: KeyDetail): { hint: string; example: string } {
  const plain = '{ "id": "ch_1042", "amount": 1999 }';
  switch ((request?.format ?? response?.format ?? '').split('/')[0]) {
    case 'graphql':
      return {
        hint: 'The `data` of the GraphQL result, as JSON, with each field that the client asked for.',
        example: `{ "${operation}": ${plain} }`,
      };
    case 'trpc':
      return { hint: 'What the procedure returns, as JSON.', example: plain };
    case 'http':
      return { hint: 'The JSON of the response.', example: plain };
    default:
      return {
        hint: `As JSON. GraphQL: the data of the result, {"${operation}": …}. tRPC: what the procedure returns. HTTP: the body.`,
        example: `{ "${operation}": ${plain} }`,
      };
  }
}
