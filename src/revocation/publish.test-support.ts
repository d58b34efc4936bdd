import { readFileSync } from 'node:fs'
import pg from 'pg'
import { PostgresRevocations } from './postgres-revocations.ts'
import { session } from './revocation-site.test-support.ts'

/** A publisher that stops between entering a revocation and committing it, to be killed there. */
const { settings, id } = JSON.parse(readFileSync(0, 'utf8')) as {
  readonly settings: pg.ClientConfig
  readonly id: string
}
const client = new pg.Client(settings)
await client.connect()
await client.query('begin')
await new PostgresRevocations().publish(client, session(id))
process.stdout.write('entered\n')
setInterval(() => {}, 60_000)
