import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'
import type { ApiConfig } from '../../contracts/contract.ts'
import { parseApiName, parseContractName, parseUpstreamName } from '../../core/names.ts'
import type { TenantConfig } from '../../snapshot/snapshot.ts'
import { upstreamGuard } from '../../upstreams/upstream-guard.ts'
import { type Door, openDoor, tokenOf } from '../door.test-support.ts'
import type { GatewayOptions } from '../gateway.ts'

const DOCUMENT = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'clinic', version: '1' },
  paths: {
    '/patients': {
      get: {
        operationId: 'listPatients',
        summary: 'Who is treated here',
        parameters: [
          { name: 'ward', in: 'query', required: true, schema: { type: 'string' } },
          { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 50 } },
        ],
      },
      post: {
        operationId: 'addPatient',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { name: { type: 'string' } },
                required: ['name'],
                additionalProperties: false,
              },
            },
          },
        },
      },
    },
    '/patients/{id}': {
      delete: {
        operationId: 'deletePatient',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      },
    },
  },
})

/** An MCP server that nobody here is part of: what it was asked, and by which credentials. */
export interface McpUpstream {
  readonly url: string
  readonly seen: { readonly headers: IncomingMessage['headers']; readonly body: string }[]
}

export async function mcpUpstream(t: TestContext): Promise<McpUpstream> {
  const seen: McpUpstream['seen'] = []
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request)
      seen.push({ headers: request.headers, body })
      if (request.method !== 'POST') {
        response.writeHead(405).end()
        return
      }
      const mcp = new McpServer({ name: 'notes', version: '1' })
      mcp.registerTool(
        'search',
        { description: 'Looks through notes', inputSchema: { query: z.string() } },
        ({ query }) => ({ content: [{ type: 'text', text: `nothing about ${query}` }] }),
      )
      mcp.registerTool('wipe', { description: 'Throws all notes away' }, () => ({
        content: [{ type: 'text', text: 'gone' }],
      }))
      const transport = new StreamableHTTPServerTransport({})
      await mcp.connect(transport)
      await transport.handleRequest(request, response, JSON.parse(body))
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/mcp`, seen }
}

export interface McpSite {
  readonly door: Door
  readonly notes: McpUpstream
  /** A client of the protocol's own library, as a user of a tenant. */
  readonly client: (tenant: string, token?: string) => Promise<Client>
}

const api = (name: string, more: Partial<ApiConfig>): ApiConfig => ({
  name: parseApiName(name),
  prefix: '/',
  upstream: { of: 'platform', name: parseUpstreamName('clinic') },
  ...more,
})

export const withTools = (apis: readonly ApiConfig[], more: Partial<TenantConfig> = {}) => ({
  contract: { name: parseContractName('tools'), apis: [...apis] },
  ...more,
})

export const CLINIC_TOOLS = api('clinic', {
  prefix: '/clinic',
  openapi: DOCUMENT,
  tools: { allow: ['listPatients', 'addPatient'] },
})

/** Acme has tools of an API and of an MCP server of its own; globex has other ones. */
export async function openMcpSite(
  t: TestContext,
  options: Partial<GatewayOptions> = {},
): Promise<McpSite> {
  const notes = await mcpUpstream(t)
  // The tenant's own server is here, where tenants' upstreams may be in tests only.
  const guard = upstreamGuard({ ranges: ['127.0.0.0/8'] })
  const door = await openDoor(t, { upstreamGuard: guard, ...options })
  const own = parseUpstreamName('notes')
  const notesApi = api('notes', {
    kind: 'mcp',
    upstream: { of: 'tenant', name: own },
    tools: { allow: ['search'] },
  })
  door.source.change(
    'acme',
    withTools([CLINIC_TOOLS, notesApi], {
      upstreams: [{ name: own, servers: [{ url: notes.url }] }],
    }),
  )
  door.source.change('globex', withTools([{ ...CLINIC_TOOLS, tools: { allow: ['addPatient'] } }]))
  return {
    door,
    notes,
    async client(tenant, token = tokenOf(tenant)) {
      const client = new Client({ name: 'agent', version: '1' })
      const url = new URL(`http://127.0.0.1:${door.port}/t/${tenant}/mcp`)
      const transport = new StreamableHTTPClientTransport(url, {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      })
      await client.connect(transport)
      t.after(() => client.close())
      return client
    },
  }
}

export async function toolNames(client: Client): Promise<readonly string[]> {
  const { tools } = await client.listTools()
  return tools.map(({ name }) => name)
}

/** What a call came to, as a model reads it. */
export async function callTool(
  client: Client,
  name: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly text: string; readonly isError: boolean }> {
  const result = await client.callTool({ name, arguments: { ...given } })
  const [content] = z.array(z.object({ text: z.string() })).parse(result.content)
  return { text: content?.text ?? '', isError: result.isError === true }
}
