export type { TraceContext } from '../engine/traceparent.ts';
export { toNodeHandler } from '../http/to-node-handler.ts';
export type { AttentionKey, AttentionNews } from './attention-watch.ts';
export type { RedactOptions } from './bodies/secrets.ts';
export type { Operator, OperatorScopes, Role } from './contract/operator.ts';
export type { Probe, ProbeAnswer, ProbedRecord } from './contract/probe.ts';
export { createDashboard, type DashboardHandler } from './create-dashboard.ts';
export type { DashboardOptions } from './dashboard-options.ts';
export type { RecordAddress } from './page/record-url.ts';
export type {
  CapturedRequest,
  GivenResponse,
  RerunActor,
  RerunCheck,
  Rerunner,
} from './rerunners/rerunner.ts';
