import { ident } from '../connection.ts'
import { groups, type PostgresMutant, roleMutant, sqlMutant } from './postgres-mutant.ts'

const tiers = ['bridge'] as const

/** Databases of one tenant that others get into. */
export const BRIDGE_MUTANTS: readonly PostgresMutant[] = [
  sqlMutant(
    {
      id: 'pg-bridge-open-to-public',
      title: 'CONNECT on tenants\u2019 databases for PUBLIC',
      tiers,
    },
    ({ database }) => `grant connect on database ${ident(database)} to public`,
  ),
  sqlMutant(
    {
      id: 'pg-bridge-open-to-group',
      title: 'CONNECT on tenants\u2019 databases for the group that all tenants are in',
      tiers,
    },
    (side) => `grant connect on database ${ident(side.database)} to ${groups(side).write}`,
  ),
  sqlMutant(
    {
      id: 'pg-bridge-without-row-security',
      title:
        'CONNECT for the group, and row security left out because the database is one tenant\u2019s',
      tiers,
    },
    (side) => `grant connect on database ${ident(side.database)} to ${groups(side).write};
      alter table ground.note disable row level security`,
  ),
  sqlMutant(
    {
      id: 'pg-bridge-owned-by-tenant',
      title: 'Databases that belong to a tenant\u2019s login',
      tiers,
    },
    async (side, arena) =>
      `alter database ${ident(side.database)} owner to ${ident((await arena.login(side)).user)}`,
  ),
  roleMutant(
    {
      id: 'pg-bridge-login-in-pooled-group',
      title: 'A bridge tenant\u2019s login in the pooled tenants\u2019 group',
      tiers,
    },
    async (side, arena) => {
      const pooled = ident(side.site.names.pooledGroups.write)
      const login = ident((await arena.login(side)).user)
      return { sql: `grant ${pooled} to ${login}`, undo: `revoke ${pooled} from ${login}` }
    },
  ),
  roleMutant(
    {
      id: 'pg-bridge-login-in-login',
      title:
        'One tenant\u2019s login in another\u2019s: it may connect to the other\u2019s database',
      tiers,
    },
    async (_, arena) => {
      const logins: string[] = []
      for (const side of arena.sides) logins.push(ident((await arena.login(side)).user))
      const [first = '', second = ''] = logins
      return { sql: `grant ${second} to ${first}`, undo: `revoke ${second} from ${first}` }
    },
  ),
  roleMutant(
    {
      id: 'pg-bridge-template-open',
      title: 'The template of tenants\u2019 databases open to connections',
      tiers,
    },
    ({ site: { names } }) => ({
      database: names.custodyDatabase,
      sql: `alter database ${ident(names.templateDatabase)} allow_connections true`,
      undo: `alter database ${ident(names.templateDatabase)} allow_connections false`,
    }),
  ),
]
