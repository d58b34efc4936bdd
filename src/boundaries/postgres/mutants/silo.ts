import { ident, literal, withClient } from '../connection.ts'
import type { Side } from '../rehearsal/side.ts'
import { ownServer, type PostgresMutant, weakenBySql } from './postgres-mutant.ts'

const tiers = ['silo'] as const

async function verifierOf(side: Side, role: string): Promise<string> {
  return withClient(side.site.cluster.admin, async (client) => {
    const { rows } = await client.query<{ rolpassword: string }>(
      'select rolpassword from pg_authid where rolname = $1',
      [role],
    )
    return rows[0]?.rolpassword ?? ''
  })
}

/** What one tenant's server has that is another's. The first tenant's goes to the second's. */
export const SILO_MUTANTS: readonly PostgresMutant[] = [
  silo(
    'pg-silo-login-copied',
    'A tenant\u2019s login, password and all, on another\u2019s server',
    {
      async weaken(attacker, victim, login) {
        const role = ident(login)
        await weakenBySql(
          victim,
          `create role ${role} login password ${literal(await verifierOf(attacker, login))};
         grant ${ident(victim.site.names.groups.write)} to ${role};
         grant connect on database ${ident(victim.database)} to ${role}`,
        )
        return `drop owned by ${role}; drop role ${role}`
      },
    },
  ),
  silo('pg-silo-custodian-shared', 'One custodian\u2019s password for two servers', {
    async weaken(attacker, victim) {
      const { custodian } = victim.site.names
      const before = await verifierOf(victim, custodian)
      const role = ident(custodian)
      const shared = await verifierOf(attacker, custodian)
      await weakenBySql(victim, `alter role ${role} password ${literal(shared)}`)
      return `alter role ${role} password ${literal(before)}`
    },
  }),
  silo(
    'pg-silo-login-superuser',
    'A tenant\u2019s login on another\u2019s server, as a superuser who maintains both',
    {
      async weaken(attacker, victim, login) {
        const role = ident(login)
        await weakenBySql(
          victim,
          `create role ${role} superuser login password ${literal(await verifierOf(attacker, login))}`,
        )
        return `drop role ${role}`
      },
    },
  ),
]

interface SiloSteps {
  /** Returns the SQL that puts the victim's server back. */
  weaken(attacker: Side, victim: Side, login: string): Promise<string>
}

function silo(id: string, title: string, steps: SiloSteps): PostgresMutant {
  return ownServer({
    id,
    title,
    tiers,
    needsOwnServer: true,
    async apply(arena) {
      const [attacker, victim] = arena.sides
      if (attacker === undefined || victim === undefined) throw new Error('it takes two tenants')
      const { user } = await arena.login(attacker)
      const undo = await steps.weaken(attacker, victim, user)
      return () => weakenBySql(victim, undo)
    },
  })
}
