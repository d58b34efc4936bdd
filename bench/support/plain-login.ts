import type pg from 'pg'
import { newPassword } from '../../src/clusters/scram.ts'
import type { Arena } from './arena.ts'

/** A login with the same rights as a tenant's, to which row security does not apply. */
export async function plainLogin(arena: Arena): Promise<pg.ClientConfig> {
  const { host, port } = arena.cluster.admin
  const { pooledDatabase, pooledGroups } = arena.site.names
  const login = { user: 'bench_plain', password: newPassword() }
  await arena.admin.query(
    `create role ${login.user} login bypassrls password '${login.password}' in role ${pooledGroups.write}`,
  )
  return { host, port, database: pooledDatabase, ...login }
}
