import { valueOf } from '../../gateway/headers.ts'
import { CallerDoor } from '../../gateway/mcp/caller-door.ts'
import type { McpParts } from '../../gateway/mcp/answer-message.ts'
import { descriptionOf } from '../../gateway/openapi-checks.ts'
import { surfaceOf } from '../../gateway/route.ts'
import { contextOf } from '../../gateway/context-of.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { Guards } from '../../guardrails/guards.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { parseServiceName } from '../../core/names.ts'
import type { CallRequest } from '../../mcp/request-of-call.ts'
import type { ToolAnswer, ToolDoor } from '../../mcp/mcp-server.ts'
import { ToolBook } from '../../mcp/tool-book.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { CONTEXT_HEADER, signContextNow } from '../../tokens/tenant-context.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

function withParts(
  id: string,
  title: string,
  noticedBy: string,
  parts: (key: SigningKey) => Partial<McpParts>,
): FrontDoorMutant {
  return mutant(id, title, [noticedBy], ({ openGateway }) => ({
    openGateway: (options) => openGateway({ ...options, mcp: parts(options.contextKey) }),
  }))
}

/** All operations of a tenant's documents, whoever may know of them. */
const everything: McpParts['bookOf'] = (configuration, tenant) => {
  const apis = surfaceOf(configuration, tenant).map(({ api }) => api)
  const open = apis.map((api) => (api.tools ? { ...api, tools: { allow: ['*'] } } : api))
  return new ToolBook(open, new Guards([]), descriptionOf)
}

function oneForAll(): McpParts['bookOf'] {
  let first: ToolBook | undefined
  return (configuration, tenant) => {
    const apis = surfaceOf(configuration, tenant).map(({ api }) => api)
    return (first ??= new ToolBook(apis, new Guards([]), descriptionOf))
  }
}

/** A tool's request made straight to the service, as a tool of its own and not as a request. */
function straight(headersOf: (exchange: Exchange, request: CallRequest) => Record<string, string>) {
  return (exchange: Exchange): ToolDoor => ({
    scopes: exchange.scopes,
    shows: () => true,
    async request(_tool, request): Promise<ToolAnswer> {
      const upstream = exchange.configuration.platform.services[0]?.upstream ?? ''
      const { method, target, body } = request
      const answer = await fetch(upstream + target, {
        method,
        headers: { ...request.headers, ...headersOf(exchange, request) },
        ...(body === undefined ? {} : { body }),
      })
      return { status: answer.status, mediaType: 'application/json', body: await answer.text() }
    },
    listTools: () => Promise.resolve([]),
    callTool: () => Promise.reject(new Error('there are none')),
  })
}

/** On behalf of the tenant that the arguments name, if they name one. */
function contextOfArguments(key: SigningKey, exchange: Exchange, { target }: CallRequest): string {
  const { claimed, tenant } = exchange
  if (claimed === undefined || tenant === undefined) return ''
  const named = new URLSearchParams(target.split('?')[1]).get('tenant')
  const whose = named === null ? tenant.id : parseTenantId(named)
  const service = parseServiceName(exchange.configuration.platform.services[0]?.name)
  const said = contextOf(exchange, whose, service, claimed)
  return signContextNow(key, { ...said, requestId: exchange.requestId }, 60)
}

/** Whoever begins a session is whoever speaks in it. */
function bySession(): McpParts['doorOf'] {
  const begun = new Map<string, Exchange>()
  return (door, exchange) => {
    const id = valueOf(exchange.incoming, 'mcp-session-id')
    if (id === undefined) return new CallerDoor(door, exchange)
    const first = begun.get(id) ?? { ...exchange, onEnd: [] }
    begun.set(id, first)
    return new CallerDoor(door, first)
  }
}

/** How gateways for agents are often written. */
export const MCP_MUTANTS: readonly FrontDoorMutant[] = [
  withParts(
    'fd-mcp-one-registry',
    'One registry of tools for all tenants',
    'fd-mcp-tools-listed',
    () => ({ bookOf: oneForAll() }),
  ),
  withParts(
    'fd-mcp-hidden-called',
    'Tools that are left out of the list, and called nevertheless',
    'fd-mcp-hidden-tool',
    () => ({ bookOf: everything }),
  ),
  withParts(
    'fd-mcp-tenant-of-argument',
    'The tenant taken from the arguments of a tool',
    'fd-mcp-tenant-in-argument',
    (key) => ({
      doorOf: (_door, exchange) =>
        straight((of, request) => ({ [CONTEXT_HEADER]: contextOfArguments(key, of, request) }))(
          exchange,
        ),
    }),
  ),
  withParts(
    'fd-mcp-token-passed-on',
    "The caller's token passed on to the service",
    'fd-mcp-token-passthrough',
    (key) => ({
      doorOf: (_door, exchange) =>
        straight((of, request) => ({
          authorization: `Bearer ${of.token}`,
          [CONTEXT_HEADER]: contextOfArguments(key, of, request),
        }))(exchange),
    }),
  ),
  withParts('fd-mcp-any-origin', 'Pages of any origin served', 'fd-mcp-foreign-page', () => ({
    refuseOrigin: () => undefined,
  })),
  withParts(
    'fd-mcp-sessions-of-callers',
    'Sessions found by their id, and not by whose they are',
    'fd-mcp-session-reused',
    () => ({ doorOf: bySession() }),
  ),
]
