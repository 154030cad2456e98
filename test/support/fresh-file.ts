import { vi } from 'vitest';

// Each file of tests starts with modules, timers and globals of its own, though the files of a worker share its process:
// to start a process for each file, and to load graphql, tRPC and the driver in it, takes longer than most files do.
vi.useRealTimers();
vi.unstubAllGlobals();
vi.unstubAllEnvs();
vi.resetModules();
