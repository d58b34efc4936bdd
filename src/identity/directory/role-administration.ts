import { randomBytes } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import { lockRealm } from '../realm-keys.ts'
import type { Binding } from './effective-roles.ts'
import { writing } from './failed-write.ts'
import type { GroupId } from './group-id.ts'
import { parsePlace, parseRoleName, type Place, type RoleName } from './role-name.ts'
import { enterChange } from '../entering.ts'

const ROLES_MAX = 500
const INCLUDES_MAX = 50
const SCOPES_MAX = 50
const BINDINGS_MAX = 200
const DESCRIPTION_MAX = 500
/** RFC 6749, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,50}$/
const ID_BYTES = 12

export interface Role {
  readonly name: RoleName
  readonly description: string
  readonly scopes: readonly string[]
  /** Junior roles: who has this one has them. */
  readonly includes: readonly RoleName[]
}

/** A user or a group of the realm. */
export type Holds = { readonly subject: Subject } | { readonly group: GroupId }

export interface RoleBinding extends Binding {
  readonly id: string
  readonly role: RoleName
}

/**
 * The roles of realms, and who has them where. What changes here is in tokens that are issued from
 * then on, also for refresh tokens; access tokens in hand keep theirs until they expire.
 *
 * Every method may throw RingfenceError `engine_unavailable`, `not_found` and `invalid_argument`.
 */
export class RoleAdministration {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  /** Sorted by name. */
  async roles(tenant: TenantId): Promise<readonly Role[]> {
    const found = await this.#database.query<Omit<Role, 'name' | 'includes'> & RoleNames>(
      `select r.name, r.description, r.scopes,
         array(select i.junior from identity.role_includes i
               where i.tenant = r.tenant and i.senior = r.name order by i.junior collate "C")
           as includes
       from identity.role r where r.tenant = $1 order by r.name collate "C"`,
      [tenant],
    )
    return found.map((role) => ({
      ...role,
      name: parseRoleName(role.name),
      includes: role.includes.map(parseRoleName),
    }))
  }

  /**
   * Makes a role, or replaces what it says.
   * @throws RingfenceError `conflict` when it would include itself in the end; `not_found` when a
   *   junior role is not there
   */
  async putRole(tenant: TenantId, role: Role): Promise<void> {
    check(role)
    await this.#changing(tenant, async (rows) => {
      const [counted] = await rows.query<{ n: number }>(
        'select count(*)::int as n from identity.role where tenant = $1 and name <> $2',
        [tenant, role.name],
      )
      if ((counted?.n ?? 0) >= ROLES_MAX) {
        throw new RingfenceError('invalid_argument', `a realm has at most ${ROLES_MAX} roles`)
      }
      await rows.query(
        `insert into identity.role (tenant, name, description, scopes) values ($1, $2, $3, $4)
         on conflict (tenant, name) do update set description = excluded.description,
           scopes = excluded.scopes, changed_at = now()`,
        [tenant, role.name, role.description, [...new Set(role.scopes)].sort()],
      )
      await rows.query('delete from identity.role_includes where tenant = $1 and senior = $2', [
        tenant,
        role.name,
      ])
      await writing(
        'a role is included twice',
        rows.query(
          `insert into identity.role_includes (tenant, senior, junior)
           select $1, $2, junior from unnest($3::text[]) as junior`,
          [tenant, role.name, [...new Set(role.includes)]],
        ),
      )
      await refuseCycle(rows, tenant, role.name)
      const { scopes, includes } = role
      await enterChange(rows, tenant, 'role.changed', role.name, { scopes, includes })
    })
  }

  /** With its bindings. */
  async removeRole(tenant: TenantId, name: RoleName): Promise<void> {
    await this.#changing(tenant, async (rows) => {
      const gone = await rows.query(
        'delete from identity.role where tenant = $1 and name = $2 returning name',
        [tenant, name],
      )
      if (gone.length === 0) throw new RingfenceError('not_found', 'there is no such role')
      await enterChange(rows, tenant, 'role.removed', name)
    })
  }

  async bindings(tenant: TenantId, of: Holds): Promise<readonly RoleBinding[]> {
    const found = await this.#database.query<Row>(
      `select id, role, place, effect from identity.role_binding
       where tenant = $1 and subject is not distinct from $2 and group_id is not distinct from $3
       order by place collate "C", role collate "C", effect`,
      [tenant, ...columnsOf(of)],
    )
    return found.map(({ id, role, place, effect }) => ({
      id,
      role: parseRoleName(role),
      place: parsePlace(place),
      effect,
    }))
  }

  /** Grants or withholds a role at a place, instead of what was said about both before. */
  async bind(tenant: TenantId, of: Holds, binding: Binding & { role: RoleName }): Promise<string> {
    const id = randomBytes(ID_BYTES).toString('base64url')
    await this.#changing(tenant, async (rows) => {
      await unbind(rows, tenant, of, binding.role, binding.place)
      const [counted] = await rows.query<{ n: number }>(
        `select count(*)::int as n from identity.role_binding where tenant = $1
           and subject is not distinct from $2 and group_id is not distinct from $3`,
        [tenant, ...columnsOf(of)],
      )
      if ((counted?.n ?? 0) >= BINDINGS_MAX) {
        throw new RingfenceError(
          'invalid_argument',
          `nobody has more than ${BINDINGS_MAX} bindings`,
        )
      }
      await writing(
        'the binding is there already',
        rows.query(
          `insert into identity.role_binding (tenant, id, subject, group_id, role, place, effect)
           values ($1, $2, $3, $4, $5, $6, $7)`,
          [tenant, id, ...columnsOf(of), binding.role, binding.place, binding.effect],
        ),
      )
      const { place, effect } = binding
      await enterChange(rows, tenant, 'role.bound', binding.role, { ...of, place, effect })
    })
    return id
  }

  /** Not an error when there is none. */
  async unbind(tenant: TenantId, of: Holds, role: RoleName, place: Place): Promise<void> {
    await this.#changing(tenant, async (rows) => {
      await unbind(rows, tenant, of, role, place)
      await enterChange(rows, tenant, 'role.unbound', role, { ...of, place })
    })
  }

  #changing(tenant: TenantId, work: (rows: Rows) => Promise<void>): Promise<void> {
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await work(rows)
    })
  }
}

interface RoleNames {
  readonly name: string
  readonly includes: readonly string[]
}

interface Row {
  readonly id: string
  readonly role: string
  readonly place: string
  readonly effect: Binding['effect']
}

const columnsOf = (of: Holds): readonly (string | null)[] =>
  'subject' in of ? [of.subject, null] : [null, of.group]

async function unbind(rows: Rows, tenant: TenantId, of: Holds, role: RoleName, place: Place) {
  await rows.query(
    `delete from identity.role_binding where tenant = $1 and subject is not distinct from $2
       and group_id is not distinct from $3 and role = $4 and place = $5`,
    [tenant, ...columnsOf(of), role, place],
  )
}

function check({ scopes, includes, description }: Role): void {
  const bounded = scopes.length <= SCOPES_MAX && includes.length <= INCLUDES_MAX
  if (!bounded || description.length > DESCRIPTION_MAX || description.includes('\0')) {
    throw new RingfenceError(
      'invalid_argument',
      `a role has at most ${SCOPES_MAX} scopes, ${INCLUDES_MAX} junior roles and ${DESCRIPTION_MAX} characters of description`,
    )
  }
  if (!scopes.every((scope) => SCOPE.test(scope))) {
    throw new RingfenceError('invalid_argument', 'a scope has 1 to 50 visible characters')
  }
}

/** The realm is locked, so that two writers cannot make one together. */
async function refuseCycle(rows: Rows, tenant: TenantId, name: RoleName): Promise<void> {
  const found = await rows.query(
    `with recursive below (role) as (
       select junior from identity.role_includes where tenant = $1 and senior = $2
       union
       select i.junior from below b join identity.role_includes i
         on i.tenant = $1 and i.senior = b.role
     ) select from below where role = $2`,
    [tenant, name],
  )
  if (found.length > 0) {
    throw new RingfenceError('conflict', 'the role would include itself')
  }
}
