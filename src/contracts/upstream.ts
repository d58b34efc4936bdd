import { z } from 'zod'
import { parseUpstreamName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseCellName } from '../core/tenant.ts'

/** One process or address that answers for an upstream. */
const serverSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  /** Its share of the requests. 0 takes it out. Default 1. */
  weight: z.int().min(0).max(1_000).optional(),
  /** It serves the tenants of this cell only. Default: all. */
  cell: parsed(parseCellName).optional(),
})

const healthSchema = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\w\-.~!$&'()*+,;=:@%/]*$/)
    .max(200),
  /** Milliseconds from one probe to the next. */
  intervalMs: z.int().min(100).max(60_000),
  /** So many bad answers one after another take a server out, so many good ones put it back. */
  unhealthyAfter: z.int().min(1).max(100).optional(),
  healthyAfter: z.int().min(1).max(100).optional(),
})

/** Where an API is forwarded to. What is left out is as the gateway's own limits say. */
export const upstreamSpecSchema = z.strictObject({
  servers: z.array(serverSchema).min(1).max(256),
  /** What the servers speak. `h2c` is HTTP/2 without TLS, which gRPC needs. Default `http/1.1`. */
  protocol: z.enum(['http/1.1', 'h2', 'h2c']).optional(),
  /** Each tenant is given so many of the servers (shuffle sharding). Default: all of them. */
  shard: z.int().min(1).max(256).optional(),
  connectMs: z.int().min(10).max(60_000).optional(),
  firstByteMs: z.int().min(10).max(600_000).optional(),
  idleMs: z.int().min(10).max(3_600_000).optional(),
  health: healthSchema.optional(),
  /** How often a safe request without a body is tried, the first time included. Default 1. */
  attempts: z.int().min(1).max(5).optional(),
  /**
   * After so many milliseconds without an answer a safe request without a body goes to a second server
   * as well, and the first answer counts. Default: never.
   */
  hedgeAfterMs: z.int().min(1).max(60_000).optional(),
})

/** An upstream as the configuration carries it. */
export const upstreamSchema = upstreamSpecSchema.extend({ name: parsed(parseUpstreamName) })

export type UpstreamConfig = z.output<typeof upstreamSchema>
export type UpstreamSpec = z.output<typeof upstreamSpecSchema>
