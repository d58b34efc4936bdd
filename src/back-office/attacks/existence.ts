import { OPERATOR_SCOPES } from '../../control/control-plane.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { UNKNOWN } from '../house/ground.ts'
import { type AttackFacts, type OfficeAttack, staged, tellingOf } from './attack.ts'
import { contextsBy, suspendedGuest } from './workloads.ts'

const facts = (id: string, title: string): AttackFacts => ({ id, title, kind: 'existence' })
const BELOW = ['', '/history', '/leases', '/receipt'] as const

async function ownerReads(duel: Duel): Promise<string> {
  const { token } = await duel.operator(['tenants:read'])
  const path = `/v1/tenants/${duel.victim.tenant}`
  const there = await duel.ownerSays('GET', path, { token })
  const absent = await duel.ownerSays('GET', `/v1/tenants/${UNKNOWN}`, { token })
  must(there.status === 200 && absent.status === 404, 'tell a tenant that is there')
  return 'the owner was told which tenant is there and which is not'
}

/** Asks for the victim and for nobody, in every way in which one may ask. */
async function bothWays(
  duel: Duel,
  ask: (path: string) => Promise<Heard>,
): Promise<{ crossed: boolean; met: string }> {
  let differ = 0
  let pairs = 0
  for (const below of BELOW) {
    for (const query of ['', '?limit=1']) {
      const path = (tenant: string) => `/v1/tenants/${tenant}${below}${query}`
      const there = await ask(path(duel.victim.tenant))
      const absent = await ask(path(UNKNOWN))
      pairs += 1
      if (tellingOf(there) !== tellingOf(absent)) differ += 1
    }
  }
  return { crossed: differ > 0, met: `${differ} of ${pairs} pairs of answers differ` }
}

export const EXISTENCE: readonly OfficeAttack[] = [
  staged(facts('ca-exists-by-answer', 'Whether a tenant is there, by answers'), async (duel) => {
    const owner = await ownerReads(duel)
    const { token } = await duel.operator(['approvals:write', 'catalogue:write'])
    return {
      owner,
      attempt: () => bothWays(duel, (path) => duel.says('GET', path, { token })),
    }
  }),
  staged(
    facts('ca-exists-without-token', 'Whether a tenant is there, without a token'),
    async (duel) => {
      const owner = await ownerReads(duel)
      return { owner, attempt: () => bothWays(duel, (path) => duel.says('GET', path)) }
    },
  ),
  staged(
    facts('ca-exists-by-work', 'Whether a tenant is there, by the work done'),
    async (duel) => {
      const owner = await ownerReads(duel)
      const { token } = await duel.operator(
        OPERATOR_SCOPES.filter((one) => !/^tenants|^leases/.test(one)),
      )
      const workFor = async (tenant: string) => {
        const before = duel.office.calls
        for (const below of BELOW)
          await duel.says('GET', `/v1/tenants/${tenant}${below}`, { token })
        return duel.office.calls - before
      }
      return {
        owner,
        attempt: async () => {
          const [there, absent] = [await workFor(duel.victim.tenant), await workFor(UNKNOWN)]
          return {
            crossed: there !== absent,
            met: `${there} calls for a tenant that is there, ${absent} for one that is not`,
          }
        },
      }
    },
  ),
  staged(
    facts('ca-exists-by-job', 'Whether a tenant is there but not served, by asking for contexts'),
    async (duel) => {
      const guest = await suspendedGuest(duel)
      const { web } = duel.ground.workloads
      const good = await contextsBy(duel, web, { tenants: [duel.victim.tenant] }, 'owner')
      must(good.status === 200, 'get a context for a tenant that is served')
      return {
        owner: 'the workload got a context for a tenant that is served',
        attempt: async () => {
          const there = await contextsBy(duel, web, { tenants: [guest.tenant] })
          const absent = await contextsBy(duel, web, { tenants: [UNKNOWN] })
          return {
            crossed: tellingOf(there) !== tellingOf(absent),
            met: `${there.status} and ${absent.status}`,
          }
        },
      }
    },
  ),
]
