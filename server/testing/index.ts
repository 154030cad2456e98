export type { OpenStore } from './contract/ground.ts';
export type { TestRunner } from './contract/runner.ts';
export { storeContract } from './contract/store-contract.ts';
export type { CrashPoint } from './kit/crash-point.ts';
export { createTestkit, type Testkit, type TestkitOptions } from './kit/create-testkit.ts';
export type { TestRecord } from './kit/test-record.ts';
