import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { IDEMPOTENCY_ERROR_CODES, IDEMPOTENCY_ERROR_REASONS } from '../../server/engine/error-codes.ts';
import { errorDataOf } from '../../server/engine/error-data.ts';
import { refusal } from '../../server/engine/errors.ts';
import { checkScope } from '../../server/engine/key.ts';
import { processWide } from '../../server/engine/process-wide.ts';
import { STATES } from '../../server/engine/record.ts';
import { entryOf, TROUBLES } from '../../server/engine/with-help.ts';
import { restoredBody } from '../../server/http/consumed-body.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const anchors = Array.from(
  read('docs/troubleshooting.md').matchAll(/<a id="([^"]+)"><\/a>/g),
  ([, id]) => id,
);

const sources = ['server', 'plugin'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(top, name))),
);
/** The codes of process warnings, as the source writes them. A variable of the environment is none. */
const warnings = new Set(
  sources
    .map((text) => text.replace(/\.env\(\s*'\w+',?\s*\)/g, ''))
    .flatMap((text) => text.match(/'LATCHKEY_\w+'/g) ?? [])
    .map((quoted) => quoted.slice(1, -1)),
);

/** Reads the words of a union that is a type, and so not there when the program runs. */
function wordsOf(path: string, type: string): readonly string[] {
  const [, body = ''] = new RegExp(`export type ${type} =([\\s\\S]*?);\\n`).exec(read(path)) ?? [];
  return Array.from(body.matchAll(/^ +\| '(\w+)'/gm), ([, word = '']) => word);
}

const ends = {
  in_doubt: wordsOf('server/engine/end-reasons.ts', 'DoubtReason'),
  released: wordsOf('server/engine/end-reasons.ts', 'ReleaseReason'),
  result_not_recorded: [...STATES, ...wordsOf('server/events.ts', 'UnrecordedReason')],
};

const entries = [
  ...IDEMPOTENCY_ERROR_CODES,
  ...IDEMPOTENCY_ERROR_REASONS.map(([code, reason]) => entryOf(code, reason)),
  ...TROUBLES,
  ...warnings,
  ...Object.entries(ends).flatMap(([event, reasons]) => reasons.map((reason) => `${event}-${reason}`)),
];

describe('docs/troubleshooting.md', () => {
  it.each(entries)('has an entry for %s', (entry) => {
    expect(anchors).toContain(entry);
  });

  it.each(Object.entries(ends))('knows the words of the event %s', (_, reasons) => {
    expect(reasons.length).toBeGreaterThan(5);
  });

  it('has no entry twice, and none for what does not exist', () => {
    expect(anchors.toSorted()).toEqual(entries.toSorted());
  });
});

it('each word that narrows a code is one that the source says somewhere', () => {
  const words = sources.map((text) => text.replace(/reasons: \[[^\]]*\]/g, '')).join('\n');
  const unsaid = IDEMPOTENCY_ERROR_REASONS.filter(([, reason]) => !words.includes(`'${reason}'`));
  expect(unsaid).toEqual([]);
});

it.each(IDEMPOTENCY_ERROR_CODES)('docs/tell-your-clients.md says what %s means', (code) => {
  expect(read('docs/tell-your-clients.md')).toMatch(new RegExp(`^\\| ${code} \\(`, 'm'));
});

describe('a message for developers ends with the entry that helps', () => {
  it.each<[string, () => unknown]>([
    ['db', () => createMongoStore({ db: 5 as never })],
    ['scope-without-a-part', () => checkScope('undefined/ada')],
    [
      'body-parser',
      () =>
        restoredBody(
          { body: undefined, rawBody: undefined },
          { type: 'text/xml', length: 5, encoding: undefined },
        ),
    ],
    [
      'two-copies',
      () => {
        for (const protocol of [1, 2]) processWide('test.two-copies', protocol, () => protocol);
      },
    ],
  ])('%s', (trouble, misuse) => {
    expect(misuse).toThrow(new RegExp(`[^.]\\. See latchkey/docs/troubleshooting\\.md#${trouble}$`));
  });

  it.each(TROUBLES)('some message names %s', (trouble) => {
    expect(sources.filter((text) => new RegExp(`withHelp\\([^;]*'${trouble}'\\)`).test(text))).not.toEqual(
      [],
    );
  });
});

it.each(IDEMPOTENCY_ERROR_CODES)('a client that gets %s is told of no file of the package', (code) => {
  expect(JSON.stringify([refusal(code).message, errorDataOf(refusal(code))])).not.toContain('docs/');
});
