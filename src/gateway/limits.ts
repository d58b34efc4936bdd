/** What one gateway process allows itself and others. Times in milliseconds. */
export interface GatewayLimits {
  /** Seconds a tenant context lives: 60 at most. */
  readonly contextSeconds: number
  /**
   * For so many seconds a context goes with further requests by the same token that say the same. 0:
   * each request has its own.
   */
  readonly contextReuseSeconds: number
  readonly headerBytesMax: number
  readonly bodyBytesMax: number
  /** Requests under way, in all and of one tenant. */
  readonly concurrent: number
  readonly concurrentPerTenant: number
  /** Requests that wait for their turn, and for how long: after that they are refused. */
  readonly queue: number
  readonly queueMs: number
  /** Callers who are counted apart, in all and of one tenant; and how many whatever others have. */
  readonly counts: number
  readonly countsPerTenant: number
  readonly countsPerTenantLeast: number
  readonly connections: number
  /** Connections to one upstream. Fewer than `concurrent` would let requests wait unwatched. */
  readonly upstreamConnections: number
  /** Verified tokens that are remembered. */
  readonly tokens: number
  /** Proofs of possession that are remembered, in all and of one tenant: more are refused. */
  readonly proofs: number
  readonly proofsPerTenant: number
  /** To connect to an upstream. */
  readonly connectMs: number
  /** From the end of the request to the first byte of the answer. */
  readonly firstByteMs: number
  /** Without a byte in either direction. */
  readonly idleMs: number
  /** WebSockets of one tenant at once, and how long each may be silent in one direction. */
  readonly upgradesPerTenant: number
  readonly upgradeIdleMs: number
  /** For a caller to send the header. */
  readonly headerMs: number
  /** For a caller to send the whole request. */
  readonly requestMs: number
}

export const GATEWAY_LIMITS: GatewayLimits = {
  contextSeconds: 60,
  contextReuseSeconds: 5,
  headerBytesMax: 16 * 1024,
  bodyBytesMax: 32 * 1024 * 1024,
  concurrent: 1_024,
  concurrentPerTenant: 128,
  queue: 512,
  queueMs: 500,
  counts: 200_000,
  countsPerTenant: 20_000,
  countsPerTenantLeast: 100,
  connections: 10_000,
  upstreamConnections: 1_024,
  tokens: 10_000,
  proofs: 500_000,
  proofsPerTenant: 100_000,
  connectMs: 2_000,
  firstByteMs: 30_000,
  idleMs: 60_000,
  upgradesPerTenant: 1_000,
  upgradeIdleMs: 120_000,
  headerMs: 10_000,
  requestMs: 300_000,
}
