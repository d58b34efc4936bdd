import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { parseTenantId, type Tier } from '../../../core/tenant.ts'
import type { Arena } from '../rehearsal/arena.ts'
import { Copies } from '../rehearsal/copies.ts'
import { GROUND } from '../rehearsal/ground.ts'
import { inspectArena } from '../rehearsal/inspect-arena.ts'
import { settle } from '../rehearsal/settle.ts'
import { ThrowAwayServers } from '../rehearsal/throw-away-servers.ts'
import { connected } from '../test-site.test-support.ts'
import { MUTANTS } from './mutants.ts'

/** What a mutant must leave as it was: everything that is not thrown away with the copy. */
const STATE: Readonly<Record<string, string>> = {
  roles: `select a.rolname, a.rolsuper, a.rolinherit, a.rolcreaterole, a.rolcreatedb, a.rolcanlogin,
      a.rolreplication, a.rolbypassrls, a.rolconnlimit, a.rolpassword, a.rolvaliduntil
    from pg_authid a order by 1`,
  memberships: `select m.roleid::regrole, m.member::regrole, m.admin_option from pg_auth_members m order by 1, 2`,
  settings: `select name, setting from pg_settings where source in ('configuration file', 'database', 'user') order by 1`,
  'settings of roles and databases': `select s.setrole::regrole, d.datname, s.setconfig from pg_db_role_setting s
      left join pg_database d on d.oid = s.setdatabase
    where coalesce(d.datname, '') !~ '_copy_' order by 1, 2`,
  databases: `select d.datname, d.datdba::regrole, d.datallowconn, d.datacl::text from pg_database d
    where d.datname !~ '_copy_' order by 1`,
  tablespaces: 'select spcname, spcacl::text from pg_tablespace order by 1',
  parameters: 'select parname, paracl::text from pg_parameter_acl order by 1',
  'custody functions': `select p.proname, p.prosrc, p.proacl::text from pg_proc p
    where p.pronamespace = 'custody'::regnamespace order by 1`,
  'custody tables': `select c.relname, c.relacl::text from pg_class c
    where c.relnamespace = 'custody'::regnamespace order by 1`,
  leases: 'select * from custody.lease order by lease_id',
  tenants: 'select * from custody.tenant order by tenant_id',
}

const ONE_QUERY = Object.entries(STATE)
  .map(([name, sql]) => `select '${name}' as name, (select json_agg(x) from (${sql}) x) as rows`)
  .join(' union all ')

async function stateOf(ledger: pg.Client): Promise<readonly unknown[]> {
  const { rows } = await ledger.query<{ name: string }>(ONE_QUERY)
  const hba = await ledger.query<{ hba_file: string }>('show hba_file')
  return [...rows, await readFile(hba.rows[0]?.hba_file ?? '', 'utf8')]
}

/** On one tier: every mutant can be applied, and afterwards the servers are what they were. */
export function tryMutants(tier: Tier): void {
  const servers = new ThrowAwayServers(GROUND)
  const tenants = ['a', 'b'].map(parseTenantId)
  const ledgers: pg.Client[] = []
  let arena: Arena
  let copies: Copies
  let states: readonly unknown[] = []

  before(async () => {
    const sites = await servers.sites(tier, tenants.length)
    arena = await settle(GROUND, tier, tenants, sites)
    copies = new Copies(arena)
    for (const side of arena.sides) await arena.login(side)
    for (const site of sites) {
      ledgers.push(await connected(site.admin(site.names.custodyDatabase)))
    }
    states = await Promise.all(ledgers.map(stateOf))
  })
  after(async () => {
    for (const ledger of ledgers) await ledger.end()
    await copies?.close()
    await servers.clear()
  })

  for (const mutant of MUTANTS.filter(({ tiers }) => tiers.includes(tier))) {
    test(`${mutant.id} can be applied, and leaves the servers as they were`, async () => {
      const { arena: copy, drop } = await copies.take()
      try {
        const undo = await mutant.apply(copy)
        await undo()
      } finally {
        drop()
      }
      assert.deepEqual(await Promise.all(ledgers.map(stateOf)), states)
    })
  }

  test('the original has no finding in the end', async () => {
    const wide = (await inspectArena(arena)).filter(({ severity }) => severity !== 'info')
    assert.deepEqual(wide, [])
  })
}
