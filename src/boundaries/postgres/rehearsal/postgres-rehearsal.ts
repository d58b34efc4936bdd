import type { Finding } from '../../../core/finding.ts'
import type { TenantId, Tier } from '../../../core/tenant.ts'
import type { Attack, Mutant, Rehearsal, Strike } from '../../boundary.ts'
import { ATTACKS } from '../attacks/attacks.ts'
import type { PostgresAttack } from '../attacks/postgres-attack.ts'
import { ident, withClient } from '../connection.ts'
import { inspectDatabase } from '../inspect/inspect.ts'
import { copyDatabase, dropDatabase } from '../install/install.ts'
import { MUTANTS } from '../mutants/mutants.ts'
import { Arena, type Side } from './arena.ts'
import { strike } from './strike.ts'

let copies = 0

/** A rehearsal on PostgreSQL, and (after `weaken`) its weakened copies. */
export class PostgresRehearsal implements Rehearsal {
  readonly tier: Tier
  readonly tenants: readonly TenantId[]
  readonly #arena: Arena
  readonly #clear: () => Promise<void>

  constructor(arena: Arena, clear: () => Promise<void>) {
    this.#arena = arena
    this.#clear = clear
    this.tier = arena.tier
    this.tenants = arena.sides.map((side) => side.tenant)
  }

  /** None when a table of the application could not be given a row: what is empty proves nothing. */
  async canariesSeen(): Promise<readonly TenantId[]> {
    return this.#arena.refused.size > 0 ? [] : this.#arena.canariesSeen()
  }

  async strike(attack: Attack, attacker: TenantId, victim: TenantId): Promise<Strike> {
    const found = ATTACKS.find((one) => one.id === attack.id)
    if (found === undefined) throw new Error(`no attack ${attack.id}`)
    return strike(this.#arena, found satisfies PostgresAttack, attacker, victim)
  }

  async inspect(): Promise<readonly Finding[]> {
    const findings: Finding[] = []
    for (const side of onePerDatabase(this.#arena.sides)) {
      findings.push(...(await inspectDatabase(side.site, side.database)))
    }
    return findings
  }

  async weaken(mutant: Mutant): Promise<Rehearsal> {
    const found = MUTANTS.find((one) => one.id === mutant.id)
    if (found === undefined) throw new Error(`no mutant ${mutant.id}`)
    await this.#arena.rest()
    const { arena, drop } = await copyOf(this.#arena)
    try {
      const undo = await found.apply(arena)
      return new PostgresRehearsal(arena, async () => {
        await undo()
        await drop()
      })
    } catch (error) {
      await drop()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#arena.rest()
    await this.#clear()
  }
}

/** The same tenants, on copies of their databases. Roles and servers are the original's. */
async function copyOf(original: Arena): Promise<{ arena: Arena; drop: () => Promise<void> }> {
  const copied = new Map<string, string>()
  const drop = async () => {
    for (const side of original.sides) {
      const copy = copied.get(placeOf(side))
      if (copy !== undefined) await dropDatabase(side.site.cluster.admin, copy)
    }
  }
  try {
    for (const side of onePerDatabase(original.sides)) {
      copies += 1
      const name = `${side.site.names.prefix}_copy_${copies}`
      copied.set(placeOf(side), name)
      await copyDatabase(side.site.cluster.admin, side.database, name)
      await copyConnectRights(side, name)
    }
  } catch (error) {
    await drop()
    throw error
  }
  const sides = original.sides.map((side) => ({
    ...side,
    database: copied.get(placeOf(side)) ?? side.database,
  }))
  const { tier, application, refused } = original
  return { arena: new Arena({ tier, application, sides, refused }, original), drop }
}

/** CREATE DATABASE … TEMPLATE copies everything but the right to connect. */
async function copyConnectRights(side: Side, copy: string): Promise<void> {
  await withClient(side.site.cluster.admin, async (client) => {
    const { rows } = await client.query<{ grantee: string }>(
      `select r.rolname as grantee from pg_database d, lateral aclexplode(d.datacl) e
         join pg_roles r on r.oid = e.grantee
       where d.datname = $1 and e.privilege_type = 'CONNECT' and not r.rolsuper`,
      [side.database],
    )
    for (const { grantee } of rows) {
      await client.query(`grant connect on database ${ident(copy)} to ${ident(grantee)}`)
    }
  })
}

function placeOf(side: Side): string {
  return `${side.site.cluster.admin.host}/${side.site.cluster.admin.port}/${side.database}`
}

function onePerDatabase(sides: readonly Side[]): readonly Side[] {
  return [...new Map(sides.map((side) => [placeOf(side), side])).values()]
}
