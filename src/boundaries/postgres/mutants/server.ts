import { readFile, writeFile } from 'node:fs/promises'
import { ident, withClient } from '../connection.ts'
import {
  onePerServer,
  ownServer,
  type PostgresMutant,
  roleMutant,
  settingMutant,
  SHARED_SERVER,
} from './postgres-mutant.ts'

/** The server itself: how it lets in, what it logs, what else it holds. */
export const SERVER_MUTANTS: readonly PostgresMutant[] = [
  settingMutant(
    { id: 'pg-log-statement-all', title: 'All statements logged' },
    'log_statement',
    'all',
  ),
  settingMutant(
    { id: 'pg-md5-encryption', title: 'New passwords kept as MD5 hashes', tiers: SHARED_SERVER },
    'password_encryption',
    'md5',
  ),
  settingMutant(
    {
      id: 'pg-large-object-compatibility',
      title: 'lo_compat_privileges on: no privileges on large objects',
      tiers: SHARED_SERVER,
    },
    'lo_compat_privileges',
    'on',
  ),
  ownServer({
    ...roleMutant({ id: 'pg-hba-trust', title: 'trust in pg_hba.conf' }, () => ({
      sql: '',
      undo: '',
    })),
    async apply(arena) {
      const undos: (() => Promise<void>)[] = []
      for (const { site } of onePerServer(arena)) {
        await withClient(site.cluster.admin, async (client) => {
          const { rows } = await client.query<{ hba_file: string }>('show hba_file')
          const file = rows[0]?.hba_file ?? ''
          const before = await readFile(file)
          // The first line that matches decides.
          await writeFile(file, `local all all trust\n${before.toString()}`)
          await client.query('select pg_reload_conf()')
          undos.push(async () => {
            await writeFile(file, before)
            await withClient(site.cluster.admin, (admin) => admin.query('select pg_reload_conf()'))
          })
        })
      }
      return async () => {
        for (const undo of undos) await undo()
      }
    },
  }),
  ownServer(
    roleMutant(
      {
        id: 'pg-maintenance-database-open',
        title: 'The database postgres open to everybody, as PostgreSQL has it by default',
      },
      () => ({
        database: 'postgres',
        sql: 'grant connect, temporary on database postgres to public',
        undo: 'revoke connect, temporary on database postgres from public',
      }),
    ),
  ),
  ownServer(
    roleMutant(
      {
        id: 'pg-parameter-granted',
        title: 'A superuser\u2019s setting granted to tenants (before PostgreSQL 15: a tablespace)',
      },
      ({ site }) => {
        const what =
          site.cluster.serverVersion >= 150000
            ? 'set on parameter session_replication_role'
            : 'create on tablespace pg_default'
        const group = ident(site.names.groups.write)
        return { sql: `grant ${what} to ${group}`, undo: `revoke ${what} from ${group}` }
      },
    ),
  ),
]
