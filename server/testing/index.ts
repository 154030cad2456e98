export type { AuditOptions } from './audit/audit-options.ts';
export {
  type AuditEvidence,
  type AuditFault,
  type AuditFinding,
  type AuditGap,
  type AuditReport,
  assertSound,
} from './audit/audit-report.ts';
export type { AuditCall, AuditedMutation, AuditSend, FailingMutation } from './audit/audited-mutation.ts';
export { retryAudit } from './audit/retry-audit.ts';
export type { OpenStore } from './contract/ground.ts';
export type { TestRunner } from './contract/runner.ts';
export { storeContract } from './contract/store-contract.ts';
export type { CrashPoint } from './kit/crash-point.ts';
export { createTestkit, type Testkit, type TestkitOptions } from './kit/create-testkit.ts';
export type { TestRecord } from './kit/test-record.ts';
