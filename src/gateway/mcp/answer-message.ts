import type { IncomingMessage, ServerResponse } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { parseStrictJson } from '../../core/strict-json.ts'
import { guardsOf } from '../../guardrails/guards.ts'
import { mcpServer, type ToolDoor } from '../../mcp/mcp-server.ts'
import { ToolBook } from '../../mcp/tool-book.ts'
import { type Derived, derived } from '../../snapshot/derived.ts'
import { Denial, malformed } from '../denial.ts'
import type { Exchange } from '../exchange.ts'
import { valueOf, valuesOf } from '../headers.ts'
import type { InnerDoor } from '../inner-door.ts'
import { bodyTooLarge } from '../limit-checks.ts'
import { descriptionOf } from '../openapi-checks.ts'
import { surfaceOf } from '../route.ts'
import { CallerDoor } from './caller-door.ts'

/** Of one message. */
const MESSAGE_BYTES_MAX = 1024 * 1024
const BATCH_MAX = 20

/** What messages are answered with. */
export interface McpParts {
  readonly bookOf: Derived<ToolBook>
  readonly doorOf: (door: InnerDoor, exchange: Exchange) => ToolDoor
  /** @throws Denial for a page of another origin, which its user's browser sends here (DNS rebinding) */
  readonly refuseOrigin: (incoming: Exchange['incoming']) => void
}

/** The surface of a tenant as its agents see it. */
const bookOf = derived((tenant, platform) => {
  const configuration = { platform }
  return new ToolBook(
    surfaceOf(configuration, tenant).map(({ api }) => api),
    guardsOf(configuration, tenant),
    // A document that cannot be read has no tools; its API says so itself.
    (api) => {
      try {
        return descriptionOf(api)
      } catch {
        return undefined
      }
    },
  )
})

const SOUND: McpParts = {
  bookOf,
  doorOf: (door, exchange) => new CallerDoor(door, exchange),
  refuseOrigin: refuseForeignOrigin,
}

/**
 * Answers one message of the Model Context Protocol, without sessions: it is looked at like any
 * request, and what it calls is a request that is looked at again.
 * @throws Denial while nothing of an answer was sent
 */
export async function answerMessage(
  door: InnerDoor,
  exchange: Exchange,
  request: IncomingMessage,
  response: ServerResponse,
  parts: Partial<McpParts>,
): Promise<void> {
  const { bookOf, doorOf, refuseOrigin } = { ...SOUND, ...parts }
  const { tenant, configuration, head, incoming, answer, onLasting, onEnd } = exchange
  if (tenant === undefined) throw new Denial('internal', 'something went wrong', 'no tenant')
  refuseOrigin(incoming)
  for (const [name, value] of answer) response.appendHeader(name, value)
  response.setHeader('cache-control', 'no-store')
  if (head.method !== 'POST') {
    // There is no stream of the server's own, and no session to end.
    response.writeHead(405, { allow: 'POST' }).end()
    return
  }
  const message = await readMessage(exchange, request)
  // What it calls takes places of its own.
  for (const leave of onLasting) leave()
  const server = mcpServer(bookOf(configuration, tenant), doorOf(door, exchange))
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  onEnd.push(() => void server.close())
  await server.connect(transport)
  await transport.handleRequest(request, response, message)
}

function refuseForeignOrigin(incoming: Exchange['incoming']): void {
  const origins = valuesOf(incoming, 'origin')
  if (origins.length === 0) return
  const host = (valueOf(incoming, 'host') ?? '').toLowerCase()
  const own = [`https://${host}`, `http://${host}`]
  if (origins.length > 1 || !own.includes(origins[0] ?? '')) {
    throw new Denial('forbidden', 'pages of another origin are not served', 'mcp: another origin')
  }
}

/** @throws Denial */
async function readMessage(exchange: Exchange, request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  const most = Math.min(exchange.bodyBytesMax, MESSAGE_BYTES_MAX)
  for await (const chunk of request as AsyncIterable<Buffer>) {
    exchange.bytes.request += chunk.length
    if (exchange.bytes.request > most) throw bodyTooLarge()
    chunks.push(chunk)
  }
  let message: unknown
  try {
    message = parseStrictJson(
      new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)),
    )
  } catch {
    throw malformed('mcp: not JSON')
  }
  if (Array.isArray(message) && message.length > BATCH_MAX)
    throw malformed('mcp: too large a batch')
  return message
}
