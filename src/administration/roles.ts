import { z } from 'zod'
import { anId, done, itemsOf, listed, place, roleName, scope, text } from './fields.ts'
import { operation } from './operation.ts'

const roleSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    scopes: z.array(z.string()),
    includes: z.array(z.string()),
  })
  .meta({ id: 'RealmRole' })
export type WireRole = z.output<typeof roleSchema>

const bindingSchema = z
  .object({
    role: z.string(),
    place: z.string().meta({ description: 'Where: `` is everywhere in the tenant.' }),
    effect: z.enum(['grant', 'withhold']),
  })
  .meta({ id: 'RoleBinding' })

const tag = 'realm roles'
const holder = { user: anId.optional(), group: anId.optional() }
const oneHolder = (input: { user?: string | undefined; group?: string | undefined }) =>
  (input.user === undefined) !== (input.group === undefined)
const WHO = 'name a user or a group'

/** Roles, and who has them where. What changes is in tokens that are issued from then on. */
export const ROLE_OPERATIONS = {
  listRoles: operation({
    ...{ method: 'get', path: '/roles', tag, status: 200 },
    summary: 'The roles of the realm, by name.',
    input: z.strictObject(listed),
    output: itemsOf(roleSchema),
    keyOf: ({ name }: WireRole) => name,
  }),
  putRole: operation({
    ...{ method: 'put', path: '/roles/{role}', tag, status: 200 },
    summary: 'Make a role, or replace what it says.',
    input: z.strictObject({
      role: roleName,
      description: z.union([z.literal(''), text(500)]).default(''),
      scopes: z.array(scope).max(50).default([]),
      includes: z.array(roleName).max(50).default([]),
    }),
    output: roleSchema,
    act: 'role.put',
    opens: true,
    recorded: ['role', 'scopes', 'includes'],
  }),
  removeRole: operation({
    ...{ method: 'delete', path: '/roles/{role}', tag, status: 200 },
    summary: 'Remove a role, and take it from all who have it.',
    input: z.strictObject({ role: roleName }),
    output: done,
    act: 'role.remove',
    recorded: ['role'],
  }),
  listBindings: operation({
    ...{ method: 'get', path: '/bindings', tag, status: 200 },
    summary: 'The roles that a user or a group has or is refused, and where.',
    input: z.strictObject({ ...holder, ...listed }).refine(oneHolder, WHO),
    output: itemsOf(bindingSchema),
    keyOf: ({ place: where, role }: { readonly place: string; readonly role: string }) =>
      `${where} ${role}`,
  }),
  bindRole: operation({
    ...{ method: 'put', path: '/bindings', tag, status: 200 },
    summary: 'Grant or withhold a role at a place, in place of what was said of both before.',
    input: z
      .strictObject({
        ...holder,
        role: roleName,
        place: place.default(''),
        effect: z.enum(['grant', 'withhold']).default('grant'),
      })
      .refine(oneHolder, WHO),
    output: bindingSchema,
    act: 'role.bind',
    opens: ({ effect }) => effect !== 'withhold',
    recorded: ['user', 'group', 'role', 'place', 'effect'],
  }),
  unbindRole: operation({
    ...{ method: 'delete', path: '/bindings', tag, status: 200 },
    summary: 'Take back what was said of a role at a place.',
    input: z
      .strictObject({ ...holder, role: roleName, place: place.default('') })
      .refine(oneHolder, WHO),
    output: done,
    act: 'role.unbind',
    recorded: ['user', 'group', 'role', 'place'],
  }),
} as const
