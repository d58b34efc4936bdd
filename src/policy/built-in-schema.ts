import type { TenantId } from '../core/tenant.ts'

/** Methods that only read (RFC 9110, section 9.2.1), and the others. */
export const READING = ['GET', 'HEAD', 'OPTIONS'] as const
const WRITING = ['POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Actions of requests at the gateway, with the action that each is part of. */
const METHODS: readonly (readonly [string, string])[] = [
  ...READING.map((method) => [method, 'read'] as const),
  ...WRITING.map((method) => [method, 'write'] as const),
]

/** One operation of an API as an action: `clinic/listPatients`, part of `GET`. */
export interface OperationAction {
  readonly name: string
  readonly method: string
}

/** What is known of every caller, at the gateway and in a service. */
const CALLER = `
  time: datetime,
  mfa: Bool,
  scopes: Set<String>,
  amr: Set<String>,
  acr?: String,
  authenticatedAt?: datetime,
  actor?: String,`

const PRINCIPAL = `
  tenant: Tenant,
  subject: String,
  client: String,
  roles: Set<String>,
  placedRoles: Set<String>,`

/**
 * The part of every store's schema that is the platform's, in Cedar's own syntax and in no namespace.
 * Ids of entities begin with their tenant, \`User::"acme/ada"\`, but those of tenants, which are it.
 */
export function builtInSchema(operations: readonly OperationAction[]): string {
  const applies = (resources: string) =>
    `appliesTo { principal: [User, Client, Delegate], resource: [${resources}], context: Request }`
  return [
    'entity Tenant;',
    'entity Role in [Role, Tenant];',
    `entity User in [Role, Tenant] = {${PRINCIPAL}\n};`,
    `entity Client in [Role, Tenant] = {${PRINCIPAL}\n};`,
    `entity Delegate = {${PRINCIPAL}\n  grant: String,\n  grantee: String,\n};`,
    'entity Api in [Tenant] = { owner: Tenant, name: String, version: String, path: String };',
    'entity Endpoint in [Tenant] = { owner: Tenant, name: String, path: String };',
    `type Caller = {${CALLER}\n};`,
    `type Request = {${CALLER}\n  method: String,\n  address?: ipaddr,\n};`,
    'action read, write;',
    ...METHODS.map(
      ([method, group]) => `action ${method} in [${group}] ${applies('Api, Endpoint')};`,
    ),
    ...operations.map(
      ({ name, method }) => `action ${JSON.stringify(name)} in [${method}] ${applies('Api')};`,
    ),
  ].join('\n')
}

/** Types of which a store holds none: what is known of them comes with each request. */
export const TYPES_OF_REQUESTS: ReadonlySet<string> = new Set([
  ...['Tenant', 'User', 'Client', 'Delegate', 'Api', 'Endpoint'],
])

/** Whether an entity is a tenant's own, by its name. Actions are everybody's. */
export function isOwn(tenant: TenantId, { type, id }: { type: string; id: string }): boolean {
  if (type === 'Action' || type.endsWith('::Action')) return true
  return type === 'Tenant' ? id === tenant : id.startsWith(`${tenant}/`)
}

/** Names of operations that can be actions without being mistaken for anything. */
export const OPERATION_NAME = /^[a-z0-9-]{1,40}\/[A-Za-z0-9_.:-]{1,150}$/

/** The method actions themselves, as entities: what each is part of. */
export function builtInActions(operations: readonly OperationAction[]) {
  const action = (id: string) => ({ type: 'Action', id })
  return [...METHODS, ...operations.map(({ name, method }) => [name, method] as const)].map(
    ([id, group]) => ({ uid: action(id), attrs: {}, parents: [action(group)] }),
  )
}
