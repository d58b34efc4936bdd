import pg from 'pg'
import { logOf } from '../../audit/entry.ts'
import { parseClientId } from '../../core/names.ts'
import { listen } from '../../http/listen.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import { openIntake } from './open-intake.ts'

// An intake with a log in one table, until it is killed.
const [settings = '{}', socket = '', jwk = ''] = process.argv.slice(2)
const database = JSON.parse(settings) as pg.ClientConfig
const pool = new pg.Pool({ ...database, max: 4 })
pool.on('error', () => {})
const intake = await openIntake({
  database,
  audience: 'ringfence-records',
  planes: () => [
    {
      client: parseClientId('ringfence-gateway'),
      keys: new KeySet([JSON.parse(jwk)]),
      categories: ['decision'],
    },
  ],
  logs: {
    async append(entries) {
      await pool.query(
        `insert into records.test_log (log, id)
         select * from unnest($1::text[], $2::uuid[]) on conflict do nothing`,
        [entries.map(({ tenant }) => logOf(tenant)), entries.map(({ id }) => id)],
      )
    },
  },
  usage: { add: async () => [], completeTo: async () => {} },
  log: () => {},
})
const { url } = await listen(intake.app.fetch, { socket })
process.stdout.write(`${url}\n`)
