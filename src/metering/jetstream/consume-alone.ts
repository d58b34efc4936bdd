import { setTimeout as sleep } from 'node:timers/promises'
import type { MeteringDatabase } from '../metering-database.ts'
import type { ConsumeAlone } from './streamed-usage-store.ts'

const LOCK = 0x756e6174
const AGAIN_MS = 500

/** By a lock of a session in the database: it ends with the process, or with its connection. */
export function consumeAlone(database: MeteringDatabase): ConsumeAlone {
  return async (work) => {
    const client = await database.pool.connect()
    const lost = new AbortController()
    const onLost = () => lost.abort()
    client.on('error', onLost)
    client.on('end', onLost)
    try {
      const { rows } = await client.query<{ taken: boolean }>(
        'select pg_try_advisory_lock($1) as taken',
        [LOCK],
      )
      if (rows[0]?.taken === true) await work(lost.signal)
      else await sleep(AGAIN_MS)
    } finally {
      client.off('error', onLost)
      client.off('end', onLost)
      client.release(true)
    }
  }
}
