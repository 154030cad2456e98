import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const isThere = (path: string) => existsSync(join(root, path));

/** The relative links of a page, as paths from the root, and what stands after `#`. */
const LINK = /\[([^\]]*)\]\(((?!\w+:)[^)#]*)(?:#([^)]*))?\)/g;
function linksOf(page: string) {
  return Array.from(textOf(page).matchAll(LINK), ([, , path = '', anchor]) => ({
    path: path === '' ? page : join(dirname(page), path),
    anchor,
  }));
}

/** The paths that a page names as `code`, from the root. A link is checked by its target, not by its text. */
const CODE_PATH =
  /`((?:server|plugin|dashboard|test|lint|docs|examples|bench|scripts)\/[\w./-]*|[\w.-]+\.(?:ts|tsx|mjs|json|md))`/g;
const pathsOf = (page: string) =>
  Array.from(textOf(page).replace(LINK, '').matchAll(CODE_PATH), ([, path = '']) => path);

/** What a page says to be in a file: "`name` in `path`", or with a link. */
function namesOf(page: string): [name: string, path: string][] {
  const linked = textOf(page).matchAll(/`([\w.#]+)(?:\(\))?` in\s+\[`[^`]+`\]\(([^)#]+)\)/g);
  const plain = textOf(page).matchAll(/`([\w.#]+)(?:\(\))?` in\s+`([^`]+\.tsx?)`/g);
  return [
    ...Array.from(linked, ([, name = '', path = '']): [string, string] => [name, join(dirname(page), path)]),
    ...Array.from(plain, ([, name = '', path = '']): [string, string] => [name, path]),
  ];
}

/** The headings of a page, as GitHub makes anchors of them, and the anchors that the page names itself. */
const anchorsOf = (page: string) => [
  ...Array.from(textOf(page).matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  ),
  ...Array.from(textOf(page).matchAll(/<a id="([^"]+)">/g), ([, id = '']) => id),
];

const foldersIn = (top: string) =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length));

/** The map of CONTRIBUTING.md: each folder (or file) with what is said of it. A line that is set in belongs to the folder above. */
function mapOf(page: string): [path: string, text: string][] {
  const [, map = ''] = /^```\n(server\/[\s\S]*?)^```$/m.exec(textOf(page)) ?? [];
  let top = '';
  return map.split('\n').flatMap((line): [string, string][] => {
    const [, indent = '', names = '', text = ''] =
      /^( {2})?(\S+\/(?: +\S+\/)*|\S+\.ts)(?: +(.*))?$/.exec(line) ?? [];
    if (names && !indent) top = names;
    return names.split(/ +/).flatMap((name) => (name ? [[indent ? join(top, name) : name, text]] : []));
  });
}

/** A part of `biome.json` that holds for some files only. */
interface Override {
  readonly includes: readonly string[];
  readonly linter?: { readonly rules?: { readonly style?: { readonly noRestrictedImports?: object } } };
}

describe.each(['CONTRIBUTING.md', 'docs/how-a-call-runs.md'])('%s', (page) => {
  it('names files and folders that exist', () => {
    const named = [...pathsOf(page), ...linksOf(page).map(({ path }) => path)];
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !isThere(path))).toEqual([]);
  });

  it('names functions, types and fields that are in the files that it gives for them', () => {
    const named = namesOf(page);
    expect(named.length).toBeGreaterThan(0);
    // Of `Class.method` the last part stands in the file.
    const isIn = (name: string, path: string) => textOf(path).includes(name.split('.').at(-1) ?? name);
    expect(named.filter(([name, path]) => !isThere(path) || !isIn(name, path))).toEqual([]);
  });
});

describe('the map of CONTRIBUTING.md', () => {
  const map = mapOf('CONTRIBUTING.md');
  const mapped = map.map(([path]) => path.replace(/\/$/, ''));

  it.each(['server', 'plugin'])('has each folder of %s', (top) => {
    expect(foldersIn(top).filter((folder) => !mapped.includes(folder))).toEqual([]);
  });

  it.each(['server', 'plugin'])('is right that each folder of %s has an arrow rule of its own', (top) => {
    const { overrides } = JSON.parse(textOf('biome.json')) as { overrides: Override[] };
    const ruled = overrides.flatMap(({ includes, linter }) =>
      linter?.rules?.style?.noRestrictedImports ? includes : [],
    );
    expect(foldersIn(top).filter((folder) => !ruled.includes(`${folder}/**`))).toEqual([]);
  });

  it('has no folder or file that is gone', () => {
    expect(mapped.length).toBeGreaterThan(30);
    const files = map.flatMap(([path, text]) =>
      Array.from(text.matchAll(/[\w./-]+\.ts\b/g), ([file]) => [join(path, file), file]),
    );
    expect(mapped.filter((path) => !isThere(path))).toEqual([]);
    expect(files.filter((places) => !places.some(isThere))).toEqual([]);
  });
});

test('the glossary explains each word once', () => {
  const [, rows = ''] = /^## Glossary$([\s\S]*?)^## /m.exec(textOf('CONTRIBUTING.md')) ?? [];
  const words = Array.from(rows.matchAll(/^\| (.+?) \|/gm), ([, cell = '']) => cell.split(', ')).flat();
  expect(words.length).toBeGreaterThan(30);
  expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
});

describe('the pages for users and contributors', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...['docs', 'docs/adr'].flatMap((folder) =>
      readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : [])),
    ),
  ];

  it.each(pages)('%s links to pages and headings that exist', (page) => {
    const broken = linksOf(page).filter(
      ({ path, anchor }) =>
        !isThere(path) || (anchor !== undefined && path.endsWith('.md') && !anchorsOf(path).includes(anchor)),
    );
    expect(broken).toEqual([]);
  });
});
