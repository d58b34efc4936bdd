import type { GrantConfig } from '../../contracts/grant.ts'
import { coversPath, coversSome } from '../../contracts/standing-grant.ts'
import type { Tool } from '../../mcp/tool.ts'
import { OPERATION_NAME } from '../../policy/built-in-schema.ts'
import { coversCall, coversServerCall } from '../grant-actions.ts'

/**
 * Whether whoever acts under a grant may know of a tool: an operation that it names, on something that
 * it names. Each call is a request, of which the grant is asked once more.
 */
export function isOfGrant(grant: GrantConfig, { api, name, operation }: Tool): boolean {
  if (!grant.apis.includes(api.name)) return false
  if (operation === undefined) {
    return coversServerCall(grant, api.name, name) && coversPath(grant, '/')
  }
  const { id, method, template } = operation.operation
  const named = `${api.name}/${id}`
  const isAction = OPERATION_NAME.test(named)
  return coversCall(grant, method, isAction ? named : undefined) && coversSome(grant, template)
}
