import type { AppOptions } from './app-process.ts';
import type { Machine } from './machine.ts';
import { type ServerUnderTest, startServer } from './server.ts';

/** Starts the server of Yoga and tRPC, with or without the plugin. */
export function startApp(machine: Machine, options: AppOptions): Promise<ServerUnderTest> {
  return startServer(machine, new URL('./app-process.ts', import.meta.url), options);
}
