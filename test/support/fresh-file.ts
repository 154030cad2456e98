import { vi } from 'vitest';
import { processWide } from '../../server/engine/process-wide.ts';

// Each file of tests starts with modules, timers and globals of its own, though the files of a worker share its process:
// to start a process for each file, and to load graphql, tRPC and the driver in it, takes longer than most files do.
vi.useRealTimers();
vi.unstubAllGlobals();
vi.unstubAllEnvs();
vi.resetModules();

// @hono/node-server puts classes of its own into their place.
for (const [name, value] of Object.entries(
  processWide('Fetch classes of Node.js', 1, () => ({ Request, Response })),
))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
