#!/usr/bin/env node
import { Command } from 'commander';
import { lint } from './cli/lint.ts';

const program = new Command('latchkey').description('Idempotency keys for GraphQL and tRPC on MongoDB');
// 1 is a command's own "no"; a call that could not be understood or carried out is 2.
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

lint(program);

await program.parseAsync();
