import { RingfenceError } from '../../../core/errors.ts'
import { type Tier, TIERS } from '../../../core/tenant.ts'
import type { Mutant } from '../../boundary.ts'
import { ident, literal, type Settings, withClient } from '../connection.ts'
import { loginPattern } from '../names.ts'
import type { Arena } from '../rehearsal/arena.ts'
import type { Side } from '../rehearsal/side.ts'
import { onePerDatabase } from '../rehearsal/copies.ts'

export interface PostgresMutant extends Mutant {
  /**
   * True when it weakens the server itself: it is tried on servers that are thrown away afterwards,
   * never on one that others use.
   */
  readonly needsOwnServer: boolean
  /**
   * Weakens the copy that `arena` shows. Databases are thrown away with the copy; what belongs to
   * the whole server (roles, settings) is put back by the function that is returned.
   */
  apply(arena: Arena): Promise<Undo>
}

export type Undo = () => Promise<void>

type Facts = Pick<Mutant, 'id' | 'title'> & Partial<Pick<Mutant, 'tiers'>>

/** SQL that weakens, and SQL that puts back what is not thrown away with the copy. */
export interface Change {
  readonly sql: string
  readonly undo: string
  /** Where it is run. Default: the tenant's database of the copy. */
  readonly database?: string
}

/** Runs SQL as the administrator on one tenant's database, past the guard rails. */
export async function weakenBySql(side: Side, sql: string): Promise<void> {
  await pastTheGuard(side.site.admin(side.database), sql)
}

/** A careless superuser can do the same; event triggers do not fire in this mode. */
async function pastTheGuard(settings: Settings, sql: string): Promise<void> {
  await withClient(settings, async (client) => {
    await client.query('set session_replication_role = replica')
    await client.query(sql)
  })
}

/** Tiers on which tenants share a server. */
export const SHARED_SERVER: readonly Tier[] = ['pooled', 'bridge']

/** A mutant that is SQL on each database of the copy. Default tier: pooled, where rows are shared. */
export function sqlMutant(
  facts: Facts,
  sql: (side: Side, arena: Arena) => string | Promise<string>,
): PostgresMutant {
  return {
    tiers: ['pooled'],
    needsOwnServer: false,
    ...facts,
    async apply(arena) {
      for (const side of onePerDatabase(arena.sides)) {
        await weakenBySql(side, await sql(side, arena))
      }
      return async () => {}
    },
  }
}

/** A mutant that is SQL on each server of the copy. Default: all tiers. */
export function roleMutant(
  facts: Facts,
  change: (side: Side, arena: Arena) => Change | Promise<Change>,
): PostgresMutant {
  return {
    tiers: TIERS,
    needsOwnServer: false,
    ...facts,
    async apply(arena) {
      const undos: Undo[] = []
      const undo = async () => {
        for (const one of undos.splice(0).reverse()) await one()
        await closeStrays(arena)
      }
      try {
        for (const side of onePerServer(arena)) {
          const { sql, undo: back, database = side.database } = await change(side, arena)
          const settings = side.site.admin(database)
          undos.push(() => pastTheGuard(settings, back))
          await pastTheGuard(settings, sql)
        }
      } catch (error) {
        await undo()
        throw error
      }
      return undo
    },
  }
}

/** A role as it is, so that it can be put back: SQL literals. */
export interface RoleState {
  readonly role: string
  readonly validUntil: string
  readonly verifier: string
  readonly connectionLimit: string
}

/** A mutant on the write logins of all tenants. `role` is quoted as an identifier. */
export function loginMutant(facts: Facts, change: (login: RoleState) => Change): PostgresMutant {
  return roleMutant(facts, async (side, arena) => {
    const there = arena.sides.filter(({ site }) => site === side.site)
    const changes: Change[] = []
    for (const one of there)
      changes.push(change(await stateOf(side, (await arena.login(one)).user)))
    return {
      sql: changes.map(({ sql }) => sql).join(';\n'),
      undo: changes.map(({ undo }) => undo).join(';\n'),
    }
  })
}

/** A mutant that gives the write logins of all tenants an attribute. */
export function attributeMutant(id: string, title: string, word: string): PostgresMutant {
  return loginMutant({ id, title }, ({ role }) => ({
    sql: `alter role ${role} ${word}`,
    undo: `alter role ${role} no${word}`,
  }))
}

async function stateOf(side: Side, role: string): Promise<RoleState> {
  return withClient(side.site.cluster.admin, async (client) => {
    const { rows } = await client.query<RoleState>(
      `select quote_ident(rolname) as role, quote_literal(coalesce(rolvaliduntil, 'infinity')) as "validUntil",
         quote_nullable(rolpassword) as verifier, rolconnlimit::text as "connectionLimit"
       from pg_authid where rolname = $1`,
      [role],
    )
    if (rows[0] === undefined) throw new Error('the login is gone')
    return rows[0]
  })
}

/** A mutant on settings of the whole server. */
export function settingMutant(facts: Facts, name: string, value: string): PostgresMutant {
  const settle = async (side: Side, statement: string, done: (now: string) => boolean) => {
    await withClient(side.site.cluster.admin, async (client) => {
      await client.query(statement)
      await client.query('select pg_reload_conf()')
      for (let tries = 0; tries < 100; tries += 1) {
        const { rows } = await client.query<{ setting: string }>(
          'select setting from pg_settings where name = $1',
          [name],
        )
        if (done(rows[0]?.setting ?? '')) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      throw new Error(`${name} did not change`)
    })
  }
  return ownServer({
    ...roleMutant(facts, () => ({ sql: '', undo: '' })),
    async apply(arena) {
      const servers = onePerServer(arena)
      for (const side of servers) {
        await settle(side, `alter system set ${name} = ${literal(value)}`, (now) => now === value)
      }
      return async () => {
        for (const side of servers) {
          await settle(side, `alter system reset ${name}`, (now) => now !== value)
        }
      }
    },
  })
}

/** Keeps a mutant away from servers that are not thrown away. */
export function ownServer(mutant: PostgresMutant): PostgresMutant {
  return {
    ...mutant,
    needsOwnServer: true,
    async apply(arena) {
      if (arena.sides.some(({ site }) => !site.cluster.embedded)) {
        throw new RingfenceError(
          'engine_unsupported',
          `${mutant.id} weakens a whole server: it is tried on throw-away servers only`,
        )
      }
      const undo = await mutant.apply(arena)
      return async () => {
        await undo()
        await closeStrays(arena)
      }
    },
  }
}

/**
 * Closes logins that attacks opened while a mutant let them, and that no lease in the ledger holds
 * open: the next copy is on the same server.
 */
async function closeStrays(arena: Arena): Promise<void> {
  for (const { site } of onePerServer(arena)) {
    await withClient(site.admin(site.names.custodyDatabase), (client) =>
      client.query(`do $$ declare stray name; roles record; begin
        for stray in select r.rolname from pg_roles r where r.rolname ~ ${literal(loginPattern(site.names))}
            and not exists (select 1 from custody.lease l where l.role_name = r.rolname and l.ended_at is null)
        loop
          execute format('alter role %I nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls', stray);
          for roles in select m.roleid::regrole as granted, m.member::regrole as member from pg_auth_members m
            where m.roleid = stray::regrole or m.member = stray::regrole and not exists (
              select 1 from custody.lease l where l.role_name = stray)
          loop execute format('revoke %s from %s', roles.granted, roles.member); end loop;
        end loop;
      end $$`),
    )
  }
}

export function onePerServer(arena: Arena): readonly Side[] {
  return [...new Map(arena.sides.map((side) => [side.site, side])).values()]
}

/** The roles that tenants' logins are in, quoted: the shared groups, for reading and for writing. */
export function groups(side: Side): { readonly read: string; readonly write: string } {
  const { read, write } = side.site.names.groups
  return { read: ident(read), write: ident(write) }
}
