import type { ApiConfig } from '../contracts/contract.ts'
import type { TenantId } from '../core/tenant.ts'
import { READING } from './built-in-schema.ts'
import { type Caller, callerFields, principalOf, tenantEntity } from './caller.ts'
import { IpRange } from './cedar/ip-range.ts'
import { EntityRef, type Value } from './cedar/value.ts'
import { operationOf } from './operations.ts'
import { ActionEntity, type Question, type ResourceEntity } from './question.ts'

/** A request at the gateway, after its caller is known. */
export interface GatewayRequest {
  /** Whose API is called. */
  readonly tenant: TenantId
  readonly caller: Caller
  readonly method: string
  /** As the gateway knows it: one that is no address is left out. */
  readonly address: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** What is called: an API, and the path inside it, or something that the gateway answers itself. */
  readonly target:
    | { readonly api: ApiConfig; readonly inside: string }
    | { readonly endpoint: string; readonly path: string }
}

/** The question that a request at the gateway is to policies. */
export function gatewayQuestion(request: GatewayRequest): Question {
  const { tenant, caller, method, target } = request
  const operation =
    'api' in target ? operationOf(target.api, method, target.inside)?.name : undefined
  return {
    principal: principalOf(caller),
    action: actionOf(method, operation),
    resource: resourceOf(tenant, target),
    context: contextOf(request),
  }
}

const actions = new Map<string, ActionEntity>()

/** The action of a method, or of an operation that is called by it. */
export function actionOf(method: string, operation: string | undefined): ActionEntity {
  if (operation !== undefined) {
    return new ActionEntity(action(operation), [action(method), action(groupOf(method))])
  }
  let known = actions.get(method)
  if (known === undefined) {
    known = new ActionEntity(action(method), [action(groupOf(method))])
    // There are seven methods; whoever invents more is not remembered.
    if (actions.size < 10) actions.set(method, known)
  }
  return known
}

const action = (id: string) => new EntityRef('Action', id)

function groupOf(method: string): 'read' | 'write' {
  return READING.some((one) => one === method) ? 'read' : 'write'
}

function resourceOf(tenant: TenantId, target: GatewayRequest['target']): ResourceEntity {
  const owner = tenantEntity(tenant)
  if ('endpoint' in target) {
    const { endpoint, path } = target
    return {
      ref: new EntityRef('Endpoint', `${tenant}/${endpoint}`),
      attributes: new Map<string, Value>([
        ['owner', owner],
        ['name', endpoint],
        ['path', path],
      ]),
      parents: [owner],
    }
  }
  const { api, inside } = target
  return {
    ref: new EntityRef('Api', `${tenant}/${api.name}`),
    attributes: new Map<string, Value>([
      ['owner', owner],
      ['name', api.name],
      ['version', api.version ?? 'v1'],
      ['path', inside],
    ]),
    parents: [owner],
  }
}

function contextOf({ caller, method, address, now }: GatewayRequest): Map<string, Value> {
  const fields = callerFields(caller, now)
  fields.set('method', method)
  const range = IpRange.parse(address)
  if (range !== undefined) fields.set('address', range)
  return fields
}
