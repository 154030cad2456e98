export { toNodeHandler } from '../to-node-handler.ts';
export type { KeyFilter, KeyRow, Operator, Role } from './contract.ts';
export { createDashboard, type DashboardHandler, type DashboardOptions } from './create-dashboard.ts';
export type { RedactOptions } from './redaction/secrets.ts';
export type { Replayer } from './replayer.ts';
