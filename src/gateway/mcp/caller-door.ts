import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { RingfenceError } from '../../core/errors.ts'
import type { ToolAnswer, ToolDoor } from '../../mcp/mcp-server.ts'
import type { CallRequest } from '../../mcp/request-of-call.ts'
import { callServerTool, type Fetch, listServerTools } from '../../mcp/server-client.ts'
import type { ToldTool } from '../../mcp/tool-book.ts'
import type { Tool } from '../../mcp/tool.ts'
import type { Exchange } from '../exchange.ts'
import { grantUsed } from '../grant-checks.ts'
import { valueOf } from '../headers.ts'
import type { Inner } from '../inner.ts'
import type { InnerDoor, InnerRequest } from '../inner-door.ts'
import { countedWithin } from '../request-usage.ts'
import { isOfGrant } from './tools-of-grant.ts'

/** Most of an answer that a model is shown. */
const ANSWER_BYTES_MAX = 1024 * 1024

/** Reaches tools as whoever sent one message: with its token, from its address, to its tenant. */
export class CallerDoor implements ToolDoor {
  readonly #door: InnerDoor
  readonly #exchange: Exchange
  readonly #ending = new AbortController()

  constructor(door: InnerDoor, exchange: Exchange) {
    this.#door = door
    this.#exchange = exchange
    exchange.onEnd.push(() => this.#ending.abort())
  }

  get scopes() {
    return this.#exchange.scopes
  }

  shows(tool: Tool): boolean {
    const grant = grantUsed(this.#exchange)
    return grant === undefined || isOfGrant(grant, tool)
  }

  async request(tool: Tool, { target, ...request }: CallRequest): Promise<ToolAnswer> {
    const { prefix } = tool.api
    const answer = await this.#ask(
      { tool: tool.name, server: undefined, counts: true },
      {
        ...request,
        target: this.#own((prefix === '/' ? '' : prefix) + target),
        headers: { accept: 'application/json, text/*;q=0.9, */*;q=0.1', ...request.headers },
      },
    )
    const type = answer.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    return { status: answer.statusCode ?? 502, mediaType: type, body: await bounded(answer) }
  }

  listTools(api: Tool['api']): Promise<readonly ToldTool[]> {
    return listServerTools(this.#fetch(api, undefined))
  }

  callTool(tool: Tool, given: Readonly<Record<string, unknown>>): Promise<CallToolResult> {
    return callServerTool(this.#fetch(tool.api, tool.name), tool.own, given)
  }

  /** To one MCP server of the tenant's surface, whichever URL its client thinks that it calls. */
  #fetch({ name }: Tool['api'], tool: string | undefined): Fetch {
    // A session begins with a request that is answered whenever there is a server.
    let counts = tool !== undefined
    return async (_url, { method = 'GET', headers, body } = {}) => {
      const fields = Object.fromEntries(new Headers(headers))
      const call = { tool, server: name, counts }
      counts = false
      const answer = await this.#ask(call, {
        method,
        target: this.#own('/'),
        headers: fields,
        body: typeof body === 'string' ? body : undefined,
      })
      return responseOf(answer)
    }
  }

  #ask(
    call: Pick<Inner, 'tool' | 'server' | 'counts'>,
    request: Omit<InnerRequest, 'signal'>,
  ): Promise<IncomingMessage> {
    const { requestId, head, token, scheme, incoming } = this.#exchange
    if (call.counts === true) countedWithin.set(this.#exchange, true)
    const inner = {
      within: requestId,
      address: head.address,
      serverName: head.serverName,
      provenToken: token,
      ...call,
    }
    const headers = {
      ...request.headers,
      host: valueOf(incoming, 'host') ?? '',
      authorization: `${scheme === 'dpop' ? 'DPoP' : 'Bearer'} ${token}`,
    }
    return this.#door.ask(inner, { ...request, headers, signal: this.#ending.signal })
  }

  /** A path of the tenant's, said in the way in which this caller says it. */
  #own(path: string): string {
    const { pathNamesTenant, tenant } = this.#exchange
    return pathNamesTenant && tenant !== undefined ? `/t/${tenant.id}${path}` : path
  }
}

/** @throws RingfenceError `too_large` */
async function bounded(answer: IncomingMessage): Promise<string> {
  let bytes = 0
  return text(
    Readable.from(answer).map((chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX) {
        throw new RingfenceError('too_large', 'the answer is too large for a tool')
      }
      return chunk
    }),
  )
}

function responseOf(answer: IncomingMessage): Response {
  const status = answer.statusCode ?? 502
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer.headers)) {
    if (typeof value === 'string') headers.set(name, value)
  }
  const isEmpty = status === 204 || status === 202 || status === 304
  if (isEmpty) answer.resume()
  const body = isEmpty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>)
  return new Response(body, { status, headers })
}
