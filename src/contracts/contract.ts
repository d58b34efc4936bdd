import { z } from 'zod'
import { parseApiName, parseContractName, parseUpstreamName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { limitsSchema } from './limit.ts'

/** Whose upstream is meant: names are each owner's own. */
const upstreamReferenceSchema = z.strictObject({
  of: z.enum(['platform', 'tenant']),
  name: parsed(parseUpstreamName),
})

export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** What becomes an agent's tools of an API. */
const toolsSchema = z.strictObject({
  /** Operations of the OpenAPI document, or tools of an MCP server. `*` at the end of a name may stand. */
  allow: z.array(z.string().min(1).max(200)).min(1),
})

export const apiSchema = z.strictObject({
  name: parsed(parseApiName),
  /** Default `v1`. */
  version: z
    .string()
    .regex(/^v[0-9]{1,3}$/)
    .optional(),
  /** `mcp`: the upstream is an MCP server, reached through the tenant's `/mcp` only. Default `http`. */
  kind: z.enum(['http', 'mcp']).optional(),
  /** The part of the tenant's own paths that it serves: `/clinic`, or `/` for all that no other takes. */
  prefix: z
    .string()
    .regex(/^\/(?:[a-z0-9-]+(?:\/[a-z0-9-]+)*)?$/)
    .max(200),
  upstream: upstreamReferenceSchema,
  /** The upstream does not get the prefix. Default false. */
  stripPrefix: z.boolean().optional(),
  /** Default: all. */
  methods: z.array(z.enum(HTTP_METHODS)).min(1).optional(),
  /** WebSocket upgrades are passed on. Default false. */
  upgrades: z.boolean().optional(),
  /** An OpenAPI 3.0 or 3.1 document as JSON text: what it does not describe is refused. */
  openapi: z.string().max(524_288).optional(),
  /** What one request costs, for quotas in cost. Default 1. */
  cost: z.int().min(0).max(1_000_000).optional(),
  limits: limitsSchema.optional(),
  /** What of it is written into the audit log. Default `denied`. */
  audit: z.enum(['denied', 'writes', 'all']).optional(),
  tools: toolsSchema.optional(),
})

/** A tenant's whole API surface. What is not in it is not there for the tenant. */
export const contractSpecSchema = z.strictObject({ apis: z.array(apiSchema).min(1).max(200) })

export const contractSchema = contractSpecSchema.extend({ name: parsed(parseContractName) })

export type ApiConfig = z.output<typeof apiSchema>
export type ContractConfig = z.output<typeof contractSchema>
