export type { OpenStore } from './contract/ground.ts';
export type { TestRunner } from './contract/runner.ts';
export { storeContract } from './contract/store-contract.ts';
