import { LogDatabase, type LogDatabaseSettings } from '../../records/log/log-database.ts'
import { inPlaceOf } from '../mutants/in-place-of.ts'

type Tx = Parameters<Parameters<LogDatabase['transaction']>[0]>[0]

/**
 * A database as somebody has it in one transaction: what is done in it nobody else sees, and in the end it
 * never was. What works in the background on the same tables leaves it alone.
 */
export async function unseen(settings: LogDatabaseSettings) {
  const sound = new LogDatabase(settings)
  const [begun, ended] = [Promise.withResolvers<Tx>(), Promise.withResolvers<void>()]
  const holding = sound
    .transaction(async (tx) => {
      begun.resolve(tx)
      await ended.promise
      throw new Error('it never was')
    })
    .catch((error: unknown) => begun.reject(error))
  const tx = await begun.promise
  return {
    database: inPlaceOf(sound, {
      query: (sql, values) => tx.query(sql, values),
      transaction: (work) => work(tx),
    }),
    end: async () => {
      ended.resolve()
      await holding
      await sound.close()
    },
  }
}
