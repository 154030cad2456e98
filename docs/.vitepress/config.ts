// The site of the docs: the same Markdown as on the code host, README as the first page, and the API reference, which typedoc has
// made of the doc comments. A page that no group names is in the last one.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import llmstxt from 'vitepress-plugin-llms';
import { mermaidBlocks } from './mermaid-blocks.ts';
import { anchorOf, linkedFiles, siteLinks } from './site-links.ts';

const DOCS = join(import.meta.dirname, '..');

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Getting started': ['index', 'getting-started'],
  Concepts: [
    'concepts',
    'scopes',
    'fingerprints',
    'effects',
    'transactions',
    'bodies',
    'options',
    'how-a-call-runs',
    'reliability',
  ],
  Hosts: ['hosts', 'graphql', 'trpc', 'http', 'any-entry', 'by-request'],
  Clients: ['clients', 'ask-by-key', 'tell-your-clients'],
  Recipes: ['recipes', 'operator'],
  Operations: [
    'operations',
    'mongodb',
    'doctor',
    'dashboard',
    'command-line',
    'telemetry',
    'performance',
    'scaling',
    'stability',
  ],
  Testing: ['testing'],
  Troubleshooting: ['troubleshooting'],
  Comparison: ['comparison', 'field-cases'],
};

const pagesIn = (folder: string) =>
  existsSync(join(DOCS, folder))
    ? readdirSync(join(DOCS, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name.slice(0, -'.md'.length)))
        .sort()
    : [];

/** A page by its first heading. README, the first page, is the overview. */
function itemOf(page: string): DefaultTheme.SidebarItem {
  const [, title = 'Overview'] = /^# (.*)$/m.exec(readFileSync(join(DOCS, `${page}.md`), 'utf8')) ?? [];
  return { text: title.replaceAll('`', ''), link: page === 'index' ? '/' : `/${page}` };
}

function groupOf([text, pages]: [string, readonly string[]]): DefaultTheme.SidebarItem[] {
  const items = pages.filter((page) => existsSync(join(DOCS, `${page}.md`))).map(itemOf);
  return items.length > 0 ? [{ text, items, collapsed: false }] : [];
}

const named = Object.values(GROUPS).flat();
const others = readdirSync(DOCS)
  .filter((name) => name.endsWith('.md'))
  .map((name) => name.slice(0, -'.md'.length))
  .filter((page) => !named.includes(page));

export default defineConfig({
  title: 'Latchkey',
  description: 'Idempotency keys for GraphQL mutations, tRPC procedures and plain HTTP, held in MongoDB',
  srcExclude: ['api/**'], // reports for reviews, not pages
  lastUpdated: false,
  markdown: { config: (md) => md.use(siteLinks).use(mermaidBlocks), anchor: { slugify: anchorOf } },
  vite: { plugins: [llmstxt({ excludeIndexPage: false })] },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [
      ...Object.entries(GROUPS).flatMap(groupOf),
      { text: 'API reference', items: pagesIn('reference').map(itemOf), collapsed: true },
      { text: 'Decisions', items: pagesIn('adr').map(itemOf), collapsed: true },
      ...groupOf(['More', others]),
    ],
  },
  buildEnd({ outDir }) {
    for (const [place, source] of linkedFiles) cpSync(source, join(outDir, place));
  },
});
