import { ident } from '../connection.ts'
import { groups, type PostgresMutant, sqlMutant } from './postgres-mutant.ts'

/** `grant …`, with the shared groups and the database of the copy filled in. */
function granted(id: string, title: string, privilege: string): PostgresMutant {
  return sqlMutant({ id, title }, (side) => {
    const { read, write } = groups(side)
    const words = { both: `${read}, ${write}`, write, database: ident(side.database) }
    return Object.entries(words).reduce(
      (sql, [word, value]) => sql.replaceAll(`{${word}}`, value),
      `grant ${privilege}`,
    )
  })
}

/** Grants that are wider than the manifest. */
export const GRANT_MUTANTS: readonly PostgresMutant[] = [
  granted(
    'pg-grant-all',
    'GRANT ALL on all tables',
    'all on all tables in schema ground to {write}',
  ),
  granted('pg-grant-update', 'UPDATE on a whole table', 'update on ground.note to {write}'),
  granted('pg-grant-delete', 'DELETE on a whole table', 'delete on ground.note to {write}'),
  granted('pg-grant-truncate', 'TRUNCATE on a table', 'truncate on ground.note to {write}'),
  granted('pg-grant-trigger', 'TRIGGER on a table', 'trigger on ground.note to {write}'),
  granted('pg-grant-references', 'REFERENCES on a table', 'references on ground.note to {write}'),
  granted(
    'pg-hidden-column-granted',
    'A hidden column granted',
    'select (hidden_remark) on ground.note to {both}',
  ),
  granted(
    'pg-tenant-column-granted',
    'UPDATE of the tenant column granted',
    'update (tenant_id) on ground.note to {write}',
  ),
  granted(
    'pg-system-columns-granted',
    'SELECT on a whole table, system columns included',
    'select on ground.note to {both}',
  ),
  sqlMutant(
    { id: 'pg-history-granted', title: 'The history table granted, its row security off' },
    (side) => `alter table ground.note_history disable row level security;
      grant select on ground.note_history to ${groups(side).read}, ${groups(side).write}`,
  ),
  granted(
    'pg-shared-table-granted',
    'INSERT and UPDATE on a table that all tenants read',
    'insert, update on ground.code to {write}',
  ),
  granted(
    'pg-sequence-granted',
    'A sequence granted',
    'usage, select on sequence ground.note_number_seq to {write}',
  ),
  sqlMutant(
    {
      id: 'pg-default-privileges',
      title: 'Default privileges that hand tenants every later table',
    },
    (side) =>
      `alter default privileges for role ${ident(side.site.names.owner)} in schema ground grant select on tables to ${groups(side).read}`,
  ),
  sqlMutant(
    {
      id: 'pg-default-privileges-public',
      title: 'Default privileges that hand everybody every later table',
    },
    (side) =>
      `alter default privileges for role ${ident(side.site.names.owner)} grant select on tables to public`,
  ),
  sqlMutant(
    {
      id: 'pg-grant-to-login',
      title: 'A grant to one tenant\u2019s login',
    },
    async (side, arena) =>
      `grant select on ground.note_history to ${ident((await arena.login(side)).user)}`,
  ),
  granted(
    'pg-temp-granted',
    'TEMPORARY on the database for PUBLIC',
    'temporary on database {database} to public',
  ),
  granted(
    'pg-create-granted',
    'CREATE on the application\u2019s schema',
    'create on schema ground to {write}',
  ),
  granted(
    'pg-language-granted',
    'A procedural language for PUBLIC, as PostgreSQL has it by default',
    'usage on language plpgsql to public',
  ),
]
