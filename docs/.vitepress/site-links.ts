import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

const DOCS = join(import.meta.dirname, '..');
const ROOT = join(DOCS, '..');
const EXAMPLES = join(ROOT, 'examples');

/** The files that pages link to and that are no pages, by their place on the site. Whoever builds the site copies them. */
export const linkedFiles = new Map<string, string>();

/**
 * Turns links that hold in the repository into links that hold on the site. README is the page `index.md` there; what is not on the
 * site (the package's source, CONTRIBUTING, CHANGELOG) keeps its text and is no link any more.
 */
export function siteLinks(md: MarkdownRenderer): void {
  md.core.ruler.push('site_links', ({ tokens, env }) => {
    let isDropped = false;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type === 'link_open') {
        const href = hrefOnSite(token.attrGet('href') ?? '', env.path);
        isDropped = href === undefined;
        if (href !== undefined) token.attrSet('href', href);
        else Object.assign(token, { tag: 'span', attrs: [] });
      } else if (token.type === 'link_close' && isDropped) token.tag = 'span';
      else if (token.type === 'image')
        token.attrSet('src', hrefOnSite(token.attrGet('src') ?? '', env.path) ?? '');
    }
  });
}

/** The anchor of a heading as code hosts make it, so that one link holds there and here. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');

/** Undefined: it is not on the site. */
function hrefOnSite(href: string, page: string): string | undefined {
  const [path = '', anchor] = href.split('#');
  if (path === '' || /^\w+:|^\//.test(path)) return href;
  const isHome = page === join(DOCS, 'index.md'); // it shows README, whose links start from the root
  const target = join(isHome ? ROOT : dirname(page), decodeURI(path));
  const source = target === join(ROOT, 'README.md') ? join(DOCS, 'index.md') : target;
  if (!existsSync(source) || !statSync(source).isFile()) return undefined;
  const isExample = source.startsWith(EXAMPLES);
  if (!isExample && !source.startsWith(DOCS)) return undefined;
  // A browser takes a file of TypeScript for a video, and saves it.
  const place = relative(isExample ? ROOT : DOCS, source).replace(/\.ts$/, '.ts.txt');
  if (!/\.(md|png)$/.test(place)) linkedFiles.set(place, source);
  return `/${encodeURI(place)}${anchor === undefined ? '' : `#${anchor}`}`;
}
