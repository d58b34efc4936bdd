import { LOGIN } from '../house/connect.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'

/** Every realm's connection to its provider, with other settings, as an administrator could make them. */
export function rawConnectionChange(
  id: string,
  title: string,
  noticedBy: readonly string[],
  config: string,
): RealmMutant {
  return {
    ...mutant(id, title, noticedBy, {}),
    change: async ({ identity }) => {
      const { database } = identity.parts
      const before = await database.query<{ tenant: string; config: object }>(
        'select tenant, config from identity.federation_connection where id = $1',
        [LOGIN],
      )
      await database.query(
        `update identity.federation_connection set config = ${config}, version = version + 1 where id = $1`,
        [LOGIN],
      )
      return async () => {
        for (const { tenant, config: was } of before) {
          await database.query(
            `update identity.federation_connection set config = $3, version = version + 1
             where tenant = $1 and id = $2`,
            [tenant, LOGIN, JSON.stringify(was)],
          )
        }
      }
    },
  }
}
