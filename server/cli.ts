#!/usr/bin/env node
import { Command } from 'commander';
import { dashboard } from './cli/dashboard.ts';
import { doctor } from './cli/doctor.ts';
import { indexes } from './cli/indexes.ts';
import { keys } from './cli/keys.ts';
import { lint } from './cli/lint.ts';
import { version } from './cli/version.ts';

const program = new Command('latchkey')
  .description('Idempotency keys for GraphQL and tRPC on MongoDB')
  .version(version());
// 1 is a command's own "no"; a call that could not be understood or carried out is 2.
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

dashboard(program);
keys(program);
indexes(program);
doctor(program);
lint(program);

await program.parseAsync();
