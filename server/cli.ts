#!/usr/bin/env node
import { createProgram } from './cli/program.ts';
import { processTerminal } from './cli/terminal/terminal.ts';

await createProgram(processTerminal).parseAsync();
