/**
 * The SDK for services behind the gateway, exported as `ringfence/sdk`. It needs `pg`, `jose` and
 * `zod`, and nothing of the platform's own processes.
 */
export { ERROR_CODES, type ErrorCode, RingfenceError } from '../core/errors.ts'
export type { Scope } from '../core/lease.ts'
export type { TenantId } from '../core/tenant.ts'
export { type Problem, problemOf } from '../http/problem.ts'
export { CONTEXT_HEADER } from '../tokens/tenant-context.ts'
export type { ContextKeyFile } from './context-keys.ts'
export type { AccessQuestion, ResourceInQuestion } from './decision-client.ts'
export type { JobRequest } from './job-client.ts'
export { type TenantRequestListener, tenantListener } from './node-http.ts'
export {
  optionsFromEnvironment,
  type Peer,
  type PoolSettings,
  type RingfenceOptions,
  type UsageSettings,
} from './options.ts'
export { poolOf } from './pool-of.ts'
export { type RefusedRequest, refusalOf } from './refuse.ts'
export type { IncomingRequest } from './request.ts'
export { type JobInfo, Ringfence, type WithTenantOptions } from './ringfence.ts'
export type { JobOptions, JobOutcome, JobReport } from './run-job.ts'
export { newTrace, parseTrace, type TraceContext, traceHeaders } from '../http/trace-context.ts'
export { openTelemetryTracer, type ServiceSpan, type ServiceTracer } from './tracing.ts'
export { inTransaction } from './transaction.ts'
export type { Usage } from './usage-recorder.ts'
export type { VerifiedContext } from './verified-context.ts'
