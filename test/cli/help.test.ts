import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../server/cli/program.ts';
import { processTerminal } from '../../server/cli/terminal/terminal.ts';
import { callCli } from '../support/call-cli.ts';

interface Known {
  readonly path: readonly string[];
  readonly command: Command;
}

function all(command: Command, path: readonly string[] = []): Known[] {
  return [{ path, command }, ...command.commands.flatMap((each) => all(each, [...path, each.name()]))];
}

const commands = all(createProgram(processTerminal)).map(
  (known) => [['latchkey', ...known.path].join(' '), known] as const,
);

it('docs/command-line.md names each command', () => {
  const page = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8');
  const leaves = commands.filter(([, { command }]) => command.commands.length === 0).map(([name]) => name);
  expect(leaves.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

describe.each(commands)('%s --help', (name, { path, command }) => {
  it('has a sentence, calls to copy, and the exit codes', async () => {
    const { code, out } = await callCli([...path, '--help']);
    expect(code).toBe(0);
    expect(command.description()).toMatch(/^[A-Z].{20,}\.$/);
    expect(out).toMatch(/\nExamples:\n(.*\n)*? {2}.*\blatchkey/);
    expect(out).toContain(name);
    expect(out).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /);
  });

  it('says of each argument and each option what it is for', () => {
    const told = [...command.registeredArguments, ...command.options];
    for (const each of told)
      expect([each.name(), each.description]).toEqual([each.name(), expect.stringMatching(/\w+\W+\w+/)]);
  });
});

it('an option that is not there is wrong use', async () => {
  expect(await callCli(['keys', 'list', '--db', 'x', '--nope'])).toMatchObject({
    code: 2,
    err: expect.stringContaining("unknown option '--nope'"),
  });
});
