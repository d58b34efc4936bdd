import type { GrantConfig } from '../contracts/grant.ts'
import { coversAction } from '../contracts/standing-grant.ts'
import type { ApiName } from '../core/names.ts'
import { actionOf } from '../policy/gateway-question.ts'
import { operationOf } from '../policy/operations.ts'
import type { RequestHead } from './request-head.ts'
import type { Route } from './route.ts'

/** Whether a grant names what is asked of an API. */
export function coversRequest(grant: GrantConfig, head: RequestHead, route: Route): boolean {
  const { method, inner } = head
  if (inner?.server !== undefined) return coversServerCall(grant, inner.server, inner.tool)
  return coversCall(grant, method, operationOf(route.api, method, route.inside)?.name)
}

/**
 * Whether a grant names a call of an operation: itself, its method, or what that is part of.
 * @param operation `clinic/listPatients`
 */
export function coversCall(
  grant: GrantConfig,
  method: string,
  operation: string | undefined,
): boolean {
  const { ref, parents } = actionOf(method, operation)
  return coversAction(
    grant,
    [ref, ...parents].map(({ id }) => id),
  )
}

/**
 * Whether a grant names a tool of an MCP server, which is asked for it by POST. Undefined is what comes
 * before a tool is chosen: for whoever may use any.
 */
export function coversServerCall(
  grant: GrantConfig,
  server: ApiName,
  tool: string | undefined,
): boolean {
  if (tool !== undefined) return coversCall(grant, 'POST', serverOperation(server, tool))
  const isOfServer = (action: string) => action.startsWith(`${server}/`)
  return coversCall(grant, 'POST', undefined) || grant.actions.some(isOfServer)
}

/** `notes/search` of the tool that agents know as `notes_search`. */
function serverOperation(server: ApiName, tool: string): string {
  return `${server}/${tool.slice(server.length + 1)}`
}
