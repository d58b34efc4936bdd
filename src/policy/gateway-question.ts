import type { ApiConfig } from '../contracts/contract.ts'
import type { TenantId } from '../core/tenant.ts'
import { READING } from './built-in-schema.ts'
import {
  type Caller,
  callerFacts,
  type PrincipalEntity,
  principalOf,
  tenantEntity,
  timeOf,
} from './caller.ts'
import { IpRange } from './cedar/ip-range.ts'
import { EntityRef, type Value } from './cedar/value.ts'
import { operationOf } from './operations.ts'
import { OverlaidFields } from './overlaid-fields.ts'
import { ActionEntity, type Question } from './question.ts'

/** A request at the gateway, after its caller is known. */
export interface GatewayRequest extends Asked {
  /** Whose API is called. */
  readonly tenant: TenantId
  readonly caller: Caller
  /** What is called: an API, and the path inside it, or something that the gateway answers itself. */
  readonly target:
    | { readonly api: ApiConfig; readonly inside: string }
    | { readonly endpoint: string; readonly path: string }
}

interface Asked {
  readonly method: string
  /** As the gateway knows it: one that is no address is left out. */
  readonly address: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The question that a request at the gateway is to policies. */
export function gatewayQuestion(request: GatewayRequest): Question {
  const { tenant, caller, target } = request
  const [called, inside] =
    'api' in target
      ? [calledApi(tenant, target.api), target.inside]
      : [calledEndpoint(tenant, target.endpoint), target.path]
  return questionAbout(knownCaller(caller), called, inside, request)
}

/** What a question says of the caller, whatever is asked. */
export interface KnownCaller {
  readonly principal: PrincipalEntity
  readonly facts: ReadonlyMap<string, Value>
}

export function knownCaller(caller: Caller): KnownCaller {
  return { principal: principalOf(caller), facts: callerFacts(caller) }
}

/** What a question says of what is called, whatever of it. */
export interface Called {
  readonly tenant: TenantId
  readonly api: ApiConfig | undefined
  readonly ref: EntityRef
  readonly attributes: ReadonlyMap<string, Value>
  readonly parents: readonly EntityRef[]
}

export function calledApi(tenant: TenantId, api: ApiConfig): Called {
  const owner = tenantEntity(tenant)
  return {
    tenant,
    api,
    ref: new EntityRef('Api', `${tenant}/${api.name}`),
    attributes: new Map<string, Value>([
      ['owner', owner],
      ['name', api.name],
      ['version', api.version ?? 'v1'],
    ]),
    parents: [owner],
  }
}

/** @param endpoint something that the gateway answers itself */
export function calledEndpoint(tenant: TenantId, endpoint: string): Called {
  const owner = tenantEntity(tenant)
  return {
    tenant,
    api: undefined,
    ref: new EntityRef('Endpoint', `${tenant}/${endpoint}`),
    attributes: new Map<string, Value>([
      ['owner', owner],
      ['name', endpoint],
    ]),
    parents: [owner],
  }
}

/**
 * The question of one request, made of what is kept of its caller and of what it calls.
 * @param path inside what is called
 */
export function questionAbout(
  { principal, facts }: KnownCaller,
  { api, ref, attributes, parents }: Called,
  path: string,
  asked: Asked,
): Question {
  const operation = api && operationOf(api, asked.method, path)?.name
  return {
    principal,
    action: actionOf(asked.method, operation),
    resource: { ref, attributes: new CalledFields(attributes, path), parents },
    context: new AskedFields(facts, asked),
  }
}

class CalledFields extends OverlaidFields {
  readonly #path: string

  constructor(kept: ReadonlyMap<string, Value>, path: string) {
    super(kept)
    this.#path = path
  }

  protected get names(): readonly string[] {
    return PATH
  }

  protected make(): Value {
    return this.#path
  }
}
const PATH = ['path']

class AskedFields extends OverlaidFields {
  readonly #asked: Asked

  constructor(facts: ReadonlyMap<string, Value>, asked: Asked) {
    super(facts)
    this.#asked = asked
  }

  protected get names(): readonly string[] {
    return ASKED
  }

  protected make(name: string): Value | undefined {
    const { method, address, now } = this.#asked
    if (name === 'method') return method
    return name === 'time' ? timeOf(now) : IpRange.parse(address)
  }
}
const ASKED = ['time', 'method', 'address']

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
