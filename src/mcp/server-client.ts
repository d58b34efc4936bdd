import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { isObject } from '../openapi/json.ts'
import type { ToldTool } from './tool-book.ts'

const TOOLS_MAX = 1_000
/** What an MCP server has to answer in, of which its tools' work is a part. */
const CALL_MS = 60_000

/** How the messages to an MCP server travel. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/**
 * Does something with an MCP server in a session that nobody else uses: begun now, with what this
 * caller may, and ended afterwards. A session that were kept might be taken for another caller's.
 */
async function inSession<T>(fetch: Fetch, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ name: 'ringfence', version: '1' })
  // The name stands for the server that `fetch` reaches, whatever it is called.
  const transport = new StreamableHTTPClientTransport(new URL('http://server.invalid/'), {
    fetch,
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
    },
  })
  try {
    await client.connect(transport)
    return await work(client)
  } finally {
    // A server that keeps no sessions has none to end.
    await transport.terminateSession().catch(() => undefined)
    await client.close().catch(() => undefined)
  }
}

/** @throws Error when the server cannot be asked */
export function listServerTools(fetch: Fetch): Promise<readonly ToldTool[]> {
  return inSession(fetch, async (client) => {
    const told: ToldTool[] = []
    let cursor: string | undefined
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor }, {
        timeout: CALL_MS,
      })
      for (const { name, description, inputSchema } of page.tools) {
        const schema: unknown = inputSchema
        if (isObject(schema)) told.push({ name, description, inputSchema: schema })
      }
      cursor = page.nextCursor
    } while (cursor !== undefined && told.length < TOOLS_MAX)
    return told.slice(0, TOOLS_MAX)
  })
}

/** @throws Error when the server cannot be asked */
export function callServerTool(
  fetch: Fetch,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Promise<CallToolResult> {
  return inSession(fetch, async (client) => {
    const result = await client.callTool({ name, arguments: { ...given } }, undefined, {
      timeout: CALL_MS,
    })
    return result as CallToolResult
  })
}
