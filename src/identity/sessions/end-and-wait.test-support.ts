// A process that ends the session of the third argument, and stops before the revocation is entered,
// until it is killed. Arguments: the database's settings, the tenant, the session.
import pg from 'pg'
import { parseTenantId } from '../../core/tenant.ts'
import { IdentityDatabase } from '../identity-database.ts'
import { PostgresArtifacts } from '../provider/postgres-artifacts.ts'
import { SessionEnding, theseSessions } from './session-ending.ts'

const [settings = '', tenant, session = ''] = process.argv.slice(2)
const config: pg.ClientConfig = JSON.parse(settings)
const database = await IdentityDatabase.open(config)
const ending = new SessionEnding(new PostgresArtifacts(database), {
  publish: () => {
    process.stdout.write('everything but the revocation is done\n')
    return new Promise(() => {})
  },
})
// A timer keeps the process: what it waits for never comes.
setInterval(() => {}, 60_000)
await database.transaction((rows) =>
  ending.end(rows, parseTenantId(tenant), theseSessions([session])),
)
