import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js'
import type { Scope } from '../core/lease.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { requestOfCall } from './request-of-call.ts'
import type { CallRequest } from './request-of-call.ts'
import type { Tool } from './tool.ts'
import type { ToldTool, ToolBook } from './tool-book.ts'

const PAGE = 100

/** How one caller's tools are reached: each call is a request that the front door looks at whole. */
export interface ToolDoor {
  /** What the token of the caller allows. */
  readonly scopes: readonly Scope[]
  /** Whether the caller may know of a tool that its tenant's agents may. */
  shows(tool: Tool): boolean
  /** @throws RingfenceError */
  request(tool: Tool, request: CallRequest): Promise<ToolAnswer>
  /** The tools of an MCP server. @throws Error when it cannot be asked */
  listTools(api: Tool['api']): Promise<readonly ToldTool[]>
  /** @throws Error when it cannot be asked */
  callTool(tool: Tool, given: Readonly<Record<string, unknown>>): Promise<CallToolResult>
}

export interface ToolAnswer {
  readonly status: number
  readonly mediaType: string
  readonly body: string
}

/** Speaks the Model Context Protocol with one caller of one tenant, for one message. */
export function mcpServer(book: ToolBook, door: ToolDoor): Server {
  const server = new Server(
    { name: 'ringfence', version: '1' },
    { capabilities: { tools: {} }, instructions: 'The tools of one tenant: yours.' },
  )
  server.setRequestHandler(ListToolsRequestSchema, async ({ params }) => {
    const tools = (await allTools(book, door)).filter((tool) => isOpen(tool, door))
    const from = offsetOf(params?.cursor, tools.length)
    const page = tools.slice(from, from + PAGE)
    return {
      tools: page.map(({ name, description, inputSchema, scope, operation }) => ({
        name,
        description,
        inputSchema: { ...inputSchema, type: 'object' as const },
        annotations: operation === undefined ? {} : { readOnlyHint: scope === 'read' },
      })),
      ...(from + PAGE < tools.length ? { nextCursor: String(from + PAGE) } : {}),
    }
  })
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const given = params.arguments ?? {}
    const tool =
      book.operations.find(({ name }) => name === params.name) ?? book.serverToolNamed(params.name)
    // One that may not be called looks like one that there is not.
    if (tool === undefined || !isOpen(tool, door)) {
      throw new McpError(ErrorCode.InvalidParams, 'there is no such tool')
    }
    return call(tool, given, door)
  })
  return server
}

function isOpen(tool: Tool, door: ToolDoor): boolean {
  return door.scopes.includes(tool.scope) && door.shows(tool)
}

async function allTools(book: ToolBook, door: ToolDoor): Promise<readonly Tool[]> {
  const ofServers = await Promise.all(
    book.servers.map(async (api) => {
      // One that is away takes its own tools along, and nobody else's.
      const told = await door.listTools(api).catch(() => [])
      return book.ofServer(api, told)
    }),
  )
  return [...book.operations, ...ofServers.flat()]
}

async function call(
  tool: Tool,
  given: Readonly<Record<string, unknown>>,
  door: ToolDoor,
): Promise<CallToolResult> {
  try {
    if (tool.operation === undefined) return await door.callTool(tool, given)
    return resultOf(await door.request(tool, requestOfCall(tool.operation, given)))
  } catch (error) {
    if (!(error instanceof RingfenceError)) throw error
    return failed(messageOf(error))
  }
}

/** What a service answered, for a model to read: a refusal is a result that says so. */
function resultOf({ status, mediaType, body }: ToolAnswer): CallToolResult {
  const isError = status >= 400
  if (
    mediaType !== '' &&
    !/^(?:text\/|application\/(?:json|xml|[a-z0-9.-]+\+json)$)/.test(mediaType)
  ) {
    return failed(`the answer is ${mediaType.slice(0, 100)}, which cannot be shown`)
  }
  const text = body === '' ? `status ${status}` : body
  return { content: [{ type: 'text', text }], isError }
}

function failed(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}

function offsetOf(cursor: string | undefined, length: number): number {
  if (cursor === undefined) return 0
  const offset = /^[1-9]\d{0,6}$/.test(cursor) ? Number(cursor) : Number.NaN
  if (!(offset < length)) throw new McpError(ErrorCode.InvalidParams, 'no such cursor')
  return offset
}
