import { useQuery } from '@tanstack/react-query';
import { structuredPatch } from 'diff';
import { useMemo, useState } from 'react';
import type { DiffVersion, KeyDetail } from '../../../server/admin/contract/contract.ts';
import { formatUtc } from '../../lib/format.ts';
import { comparableText } from '../../lib/json-tree.ts';
import { versionOf } from '../../lib/version.ts';
import { diffQuery } from '../../queries.ts';
import { Field, inputClass } from '../ui/field.tsx';
import { Verbatim } from '../ui/verbatim.tsx';
import { NothingYet, View } from '../ui/view.tsx';

/** Shows what differs between the request, the response, and the record before and after each action. */
export function DiffPanel({ detail }: { detail: KeyDetail }) {
  const versions = useQuery(diffQuery(detail.id, versionOf(detail)));
  return (
    <View query={versions} what="the versions">
      {(list) =>
        list.length < 2 ? (
          <NothingYet title="Nothing to compare yet">
            <p>There is as soon as an operator has acted on this key, or its request was captured.</p>
          </NothingYet>
        ) : (
          <Comparison versions={list} />
        )
      }
    </View>
  );
}

function Comparison({ versions }: { versions: readonly DiffVersion[] }) {
  const [chosen, setChosen] = useState<{ left?: number; right?: number }>({});
  const newest = newestChange(versions);
  const { left = newest - 1, right = newest } = chosen;
  const [from, to] = [versions[left], versions[right]];
  return (
    <div className="grid gap-3">
      <div className="grid gap-3 sm:grid-cols-2">
        <VersionChoice
          label="From"
          versions={versions}
          value={left}
          onChange={(value) => setChosen({ ...chosen, left: value })}
        />
        <VersionChoice
          label="To"
          versions={versions}
          value={right}
          onChange={(value) => setChosen({ ...chosen, right: value })}
        />
      </div>
      {from && to && <Patch from={from.text} to={to.text} />}
    </div>
  );
}

/**
 * Finds the version that the last action left behind, which follows the one that it found; without an action, the
 * second of all.
 */
function newestChange(versions: readonly DiffVersion[]): number {
  const last = versions.findLastIndex(({ label }) => label.startsWith('After '));
  return last > 0 ? last : 1;
}

interface VersionChoiceProps {
  readonly label: string;
  readonly versions: readonly DiffVersion[];
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function VersionChoice({ label, versions, value, onChange }: VersionChoiceProps) {
  return (
    <Field label={label}>
      {(control) => (
        <select
          {...control}
          className={inputClass}
          value={value}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {versions.map((version, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the versions of one record, oldest first
            <option key={index} value={index}>
              {version.label}
              {version.at === null ? '' : `, ${formatUtc(version.at)}`}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

const LINES = {
  '+': ['added', 'bg-success-soft text-success'],
  '-': ['removed', 'bg-error-soft text-error'],
  ' ': ['', ''],
} as const;
const MOST_LINES = 2_000;
const MOST_COLUMNS = 1_000;

function Patch({ from, to }: { from: string; to: string }) {
  const lines = useMemo(() => linesOf(from, to), [from, to]);
  if (lines === undefined)
    return <p className="text-muted">These two have too little in common to be compared.</p>;
  if (lines.length === 0) return <p className="text-muted">There is no difference.</p>;
  return (
    <section
      aria-label="Differences"
      className="overflow-hidden rounded-md border border-line font-mono text-xs leading-5"
    >
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
        <PatchLine key={index} line={line} />
      ))}
    </section>
  );
}

function PatchLine({ line }: { line: string }) {
  if (line.startsWith('@')) return <div className="bg-sunken px-2 text-muted">{line}</div>;
  const sign = line.slice(0, 1) as keyof typeof LINES;
  const [word, colour] = LINES[sign] ?? LINES[' '];
  return (
    <div className={`flex gap-2 px-2 ${colour}`}>
      <span aria-hidden className="select-none">
        {sign}
      </span>
      {word && <span className="sr-only">{word}:</span>}
      <span className="min-w-0 whitespace-pre-wrap wrap-anywhere">
        <Verbatim text={line.slice(1, MOST_COLUMNS)} empty=" " />
      </span>
    </div>
  );
}

/** Finds the lines that differ; undefined when that would take too long. */
function linesOf(from: string, to: string): string[] | undefined {
  const options = { context: 3, timeout: 300 };
  const patch = structuredPatch('', '', comparableText(from), comparableText(to), '', '', options);
  return patch?.hunks
    .flatMap(({ oldStart, newStart, lines }) => [
      `@ from line ${oldStart}, to line ${newStart}`,
      ...lines.filter((line) => !line.startsWith('\\')),
    ])
    .slice(0, MOST_LINES);
}
