import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Actor, ControlPlane } from '../control-plane.ts'
import type { ServerTelemetry } from '../../telemetry/server-telemetry.ts'
import type { FailedAuthentications } from './failed-authentications.ts'

export interface ControlApiOptions {
  /** The product's version, for `/healthz` and the document. */
  readonly version: string
  /** One line for each refusal that is the server's own trouble, without secrets. */
  readonly log?: (line: string) => void
  /** Failed authentications that one address may make in a minute. Default 20. */
  readonly failedAuthenticationsPerMinute?: number
  /** Where a caller is, for that count. Default: the address of the connection. */
  readonly addressOf?: (context: Context) => string
  /** Milliseconds between the signs of life on a stream of events. Default 15 000. */
  readonly heartbeatMs?: number
  /** Milliseconds after which a stream ends, so that its reader authenticates again. Default 900 000. */
  readonly streamMsMax?: number
  /** Streams of events at the same time. Default 256. */
  readonly streamsMax?: number
  /** Counts requests by route, and keeps spans of some. Default: nothing does. */
  readonly telemetry?: ServerTelemetry
}

/** What handlers find in their context. `actor` is set wherever the route asks for a scope. */
export interface ApiEnvironment {
  Variables: { actor: Actor; requestId: string }
}

export type ApiContext = Context<ApiEnvironment>
export type Api = OpenAPIHono<ApiEnvironment>

/** What the operations are built on. */
export interface ApiParts {
  readonly plane: ControlPlane
  readonly options: ControlApiOptions
  readonly failed: FailedAuthentications
}
