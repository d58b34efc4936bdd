import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** Something that the gateway answers itself, inside one tenant and after every check, like `/mcp`. */
export interface Endpoint {
  readonly name: string
  /** The path inside the tenant's API, whole: endpoints take precedence over the contract's APIs. */
  readonly path: string
  /** True where it shows and does no more for principals of other tenants than their grants name. */
  readonly heedsGrants?: true
  /** Where callers without a token read how to get one (RFC 9728), if it is said. */
  metadataUrl?(exchange: Exchange, protocol: 'http' | 'https'): string
  /** @throws Denial while nothing of an answer was sent */
  answer(exchange: Exchange, request: IncomingMessage, response: ServerResponse): Promise<void>
}
