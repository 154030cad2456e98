import { Tabs } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { LongText } from '../ui/long-text.tsx';
import { BodyPanel } from './body-panel.tsx';
import { DiffPanel } from './diff-panel.tsx';

const TABS = ['Request', 'Response', 'Diff', 'Raw'] as const;

export function KeyTabs({ detail }: { detail: KeyDetail }) {
  const first = detail.response === null && detail.request !== null ? 'Request' : 'Response';
  return (
    <section aria-label="What is stored" className="card min-w-0">
      <Tabs.Root defaultValue={first}>
        <Tabs.List
          aria-label="What is stored"
          className="flex gap-1 overflow-x-auto border-b border-line px-2 pt-1"
        >
          {TABS.map((tab) => (
            <Tabs.Tab
              key={tab}
              value={tab}
              className="-mb-px rounded-t border-b-2 border-transparent px-3 py-2 font-medium text-muted hover:text-ink data-active:border-accent data-active:text-ink forced-colors:data-active:outline-2 forced-colors:data-active:-outline-offset-2"
            >
              {tab}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Panel tab="Request">
          <BodyPanel detail={detail} part="request" />
        </Panel>
        <Panel tab="Response">
          <BodyPanel detail={detail} part="response" />
        </Panel>
        <Panel tab="Diff">
          <DiffPanel detail={detail} />
        </Panel>
        <Panel tab="Raw">
          <Raw detail={detail} />
        </Panel>
      </Tabs.Root>
    </section>
  );
}

function Panel({ tab, children }: { tab: (typeof TABS)[number]; children: ReactNode }) {
  return (
    <Tabs.Panel value={tab} className="min-w-0 p-4">
      {children}
    </Tabs.Panel>
  );
}

function Raw({ detail }: { detail: KeyDetail }) {
  return (
    <div className="grid gap-2">
      <p className="flex items-center gap-2 text-xs text-muted">
        The record as MongoDB holds it, without bodies <CopyButton text={detail.raw} what="record" />
      </p>
      <div className="rounded-md bg-sunken p-3 font-mono text-xs leading-5 whitespace-pre-wrap wrap-anywhere">
        <LongText text={detail.raw} first={20_000} />
      </div>
    </div>
  );
}
