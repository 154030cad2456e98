import { expect, it } from 'vitest';
import { lineDiff } from '../../server/cli/keys/line-diff.ts';

const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`).join('\n');

it.each<[string, string, string, readonly string[]]>([
  ['equal texts', 'a\nb', 'a\nb', []],
  ['a line that is added', 'a\nc', 'a\nb\nc', [' a', '+b', ' c']],
  ['a line that is gone', 'a\nb\nc', 'a\nc', [' a', '-b', ' c']],
  ['lines that have moved', 'a\nb\nc', 'c\na\nb', ['+c', ' a', ' b', '-c']],
  ['JSON with its fields in another order', '{"a":1,"b":[1]}', '{"b":[1],"a":1}', []],
  ['JSON with its items in another order', '[1,2]', '[2,1]', [' [', '-  1,', '-  2', '+  2,', '+  1', ' ]']],
  [
    '64-bit numbers',
    '{"n":9007199254740993}',
    '{"n":9007199254740992}',
    [' {', '-  "n": 9007199254740993', '+  "n": 9007199254740992', ' }'],
  ],
  ['a text beside JSON', 'no json', '{}', ['-no json', '+{}']],
  ['what is far from a change', lines(1, 9), lines(1, 8), ['@@', ' line 6', ' line 7', ' line 8', '-line 9']],
])('%s', (_, from, to, expected) => {
  expect(lineDiff(from, to)).toEqual(expected);
});

it('one line among very many is found', () => {
  expect(lineDiff(lines(1, 3_000), lines(2, 3_001)).filter((line) => /^[-+]/.test(line))).toEqual([
    '-line 1',
    '+line 3001',
  ]);
});

it('texts of which very many lines differ are not paired, for that would take too long', () => {
  const [from, to] = [lines(1, 3_000), lines(10_001, 13_000)];
  const [old, young] = [from, to].map((text) => text.split('\n')) as [string[], string[]];
  expect(lineDiff(from, to)).toEqual([...old.map((line) => `-${line}`), ...young.map((line) => `+${line}`)]);
});
