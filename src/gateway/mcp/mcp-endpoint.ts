import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Endpoint } from '../endpoint.ts'
import type { Exchange } from '../exchange.ts'
import { valueOf } from '../headers.ts'
import { parseHost } from '../host.ts'
import type { InnerDoor } from '../inner-door.ts'
import type { McpParts } from './answer-message.ts'
import { MCP_PATH, METADATA_PATH } from './paths.ts'

/** The Model Context Protocol over streamable HTTP, for the agents of the tenant that is called. */
export class McpEndpoint implements Endpoint {
  readonly name = 'mcp'
  readonly path = MCP_PATH
  readonly heedsGrants = true
  readonly #door: () => InnerDoor
  readonly #parts: Partial<McpParts>

  /** @param door leads to the gateway that this is a part of */
  constructor(door: () => InnerDoor, parts: Partial<McpParts>) {
    this.#door = door
    this.#parts = parts
  }

  metadataUrl({ incoming, target }: Exchange, protocol: 'http' | 'https'): string {
    const host = (valueOf(incoming, 'host') ?? '').toLowerCase()
    // By what was called, whether or not there is such a tenant; nothing that would end the quotes.
    const place = parseHost(host) === undefined ? '' : `${protocol}://${host}`
    return place + METADATA_PATH + target.path.replaceAll(/[^\w\-.~/]/g, '')
  }

  async answer(
    exchange: Exchange,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    // Most gateways of most platforms never need it.
    const { answerMessage } = await import('./answer-message.ts')
    await answerMessage(this.#door(), exchange, request, response, this.#parts)
  }
}
