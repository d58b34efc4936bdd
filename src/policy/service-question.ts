import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { type Caller, callerFields, principalOf } from './caller.ts'
import { fieldsOfJson, TYPE_NAME } from './cedar/json-value.ts'
import { EntityRef, type Value } from './cedar/value.ts'
import { ActionEntity, type Question } from './question.ts'
import type { PolicyStore } from './policy-store.ts'
import { meant } from './shapes.ts'

const idSchema = z.string().min(1).max(500)
/** A type of the tenant's own schema: it stands in a namespace. */
const typeSchema = z.string().max(200).regex(TYPE_NAME).regex(/::/, 'Clinic::Record')

/** What a service says that something is done to. Ids are written without their tenant. */
export const resourceSchema = z.object({
  type: typeSchema,
  id: idSchema,
  /** Its attributes, as the tenant's schema has them. */
  properties: z.record(z.string().max(200), z.json()).default({}),
  /** What it is in. */
  parents: z
    .array(z.object({ type: typeSchema, id: idSchema }))
    .max(50)
    .default([]),
  /** Where it is, for roles that hold at places: `ward/north`. */
  place: z.string().min(1).max(200).optional(),
})

export const actionSchema = z.object({ name: z.string().min(1).max(200) })

export const contextSchema = z.record(z.string().max(200), z.json()).default({})

export interface ServiceAsking {
  readonly action: z.output<typeof actionSchema>
  readonly resource: z.output<typeof resourceSchema>
  readonly context: z.output<typeof contextSchema>
}

/**
 * What a service asks, as a question to the policies of its caller's tenant. Every entity in it is
 * made one of this tenant, whatever the service wrote.
 * @throws RingfenceError `invalid_argument`
 */
export function serviceQuestion(
  caller: Caller,
  { action, resource, context }: ServiceAsking,
  shapes: PolicyStore['shapes'],
  now: number,
): Question {
  const { tenant } = caller
  const own = ({ type, id }: { readonly type: string; readonly id: string }) =>
    new EntityRef(type, `${tenant}/${id}`)
  // An action is in the same namespace as what it is done to.
  const actionType = resource.type.replace(/[^:]+$/, 'Action')
  const shape = shapes.get(`${actionType}::${JSON.stringify(action.name)}`)
  return {
    principal: principalOf(caller, resource.place),
    action: new ActionEntity(new EntityRef(actionType, action.name), []),
    resource: {
      ref: own(resource),
      attributes: ownFields(meant(resource.properties, shapes.get(resource.type)), tenant),
      parents: resource.parents.map(own),
    },
    // What is known of the caller comes from the token, whatever the service says of it.
    context: new Map([...ownFields(meant(context, shape), tenant), ...callerFields(caller, now)]),
  }
}

function ownFields(json: unknown, tenant: TenantId): ReadonlyMap<string, Value> {
  if (typeof json !== 'object' || json === null) {
    throw new RingfenceError('invalid_argument', 'attributes are an object')
  }
  return fieldsOfJson(ownNames(json, tenant) as Readonly<Record<string, unknown>>)
}

/** The same JSON with every name of an entity made one of this tenant's. */
function ownNames(json: unknown, tenant: TenantId): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map((item) => ownNames(item, tenant))
  const named = z
    .strictObject({ __entity: z.strictObject({ type: z.string(), id: z.string() }) })
    .safeParse(json).data?.__entity
  if (named !== undefined) {
    const id = named.type === 'Tenant' ? tenant : `${tenant}/${named.id}`
    return { __entity: { type: named.type, id } }
  }
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, ownNames(value, tenant)]),
  )
}
