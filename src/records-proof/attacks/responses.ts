import type { Duel } from '../duel.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'

const OTHERS = ['rf_gateway', 'rf_vending', 'rf_identity', 'rf_control'] as const
const GRANT = `gr-${'a'.repeat(20)}`
const disturb = attackOf('disturbance')

/** What detectors may have done about a tenant, and about whoever calls it. */
const actsOn = (tenant: string): readonly string[] => [
  `select revocation.enter_detected('session', '${tenant}', 's-1')`,
  `select registry.enter_address_block('8.8.4.4', now() + interval '1 hour', 'x')`,
  `select registry.lift_address_block('8.8.4.4')`,
  `select registry.enter_grant_restraint(
     '${tenant}', '${GRANT}', 'limit', 1, now() + interval '1 hour', 'x')`,
  `select registry.lift_grant_restraint('${tenant}', '${GRANT}', 'limit')`,
]

/** Carries them out as a role, and takes them back. Resolves with how many it could. */
async function carriedOut({ plane, victim }: Duel, role: string): Promise<number> {
  const rows = plane.site.asPlane(role)
  let done = 0
  try {
    await rows.transaction(async ({ client }) => {
      for (const sql of actsOn(victim.tenant)) {
        await client.query('savepoint before')
        const answer = await client.query(sql).catch(() => undefined)
        if (answer !== undefined) done += 1
        await client.query('rollback to before')
      }
    })
  } finally {
    await rows.close()
  }
  return done
}

/** Ways to have done to another tenant what detectors do. */
export const RESPONSES: readonly RecordsAttack[] = [
  disturb(
    'rc-response-by-plane',
    'Void sessions, block addresses and restrain grants by the database role of another plane',
    async (duel) => {
      const all = actsOn(duel.victim.tenant).length
      must((await carriedOut(duel, 'rf_records')) === all, 'carry out what detectors may')
      return {
        owner: `the records plane's role carried out ${all} acts`,
        attempt: async () => {
          let done = 0
          for (const role of OTHERS) done += await carriedOut(duel, role)
          return { crossed: done > 0, met: `${done} of ${all * OTHERS.length} were carried out` }
        },
      }
    },
  ),
]
