import { randomUUID } from 'node:crypto'
import type { Duel } from '../duel.ts'
import {
  ACCESS_TYP,
  accessClaims,
  accessToken,
  assertionOf,
  contextFor,
  CONTEXT_TYP,
  contextClaims,
} from '../house/claims.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { type Party, SUSPENDED, UNKNOWN } from '../house/party.ts'
import type { Heard } from '../../strikes/wire.ts'
import { signaturesOf } from '../house/work-done.ts'
import { attack, type FrontDoorAttack, must, type Outcome, staged } from './attack.ts'
import { byPath, call, ownerGetsLease, ownerLeases, ownerReads, vend, type Way } from './calls.ts'

/** Fields that are different in every answer, whatever is asked. */
const PASSING = new Set(['date', 'x-request-id', 'ratelimit'])

/** All that a caller can see of an answer, but for what is different in every one. */
function seen({ status, headers, body }: Heard): string {
  const kept = headers.filter(([name]) => !PASSING.has(name)).toSorted()
  return JSON.stringify({ status, headers: kept, body })
}

function alike(heard: readonly Heard[], what: string): Outcome {
  const kinds = new Set(heard.map(seen)).size
  const met = `${heard.length} answers for ${what}: ${kinds === 1 ? 'all the same' : `${kinds} kinds`}`
  return { crossed: kinds !== 1, met: `${met}, ${heard[0]?.status ?? 0}` }
}

const WHAT = 'the victim, a suspended tenant and one that there is not'

/** The victim's route, and those of a tenant that is suspended and of one that is not there. */
function routes(victim: Party): readonly (readonly Way[])[] {
  const hosts = [victim.host, `${SUSPENDED}.front-door.test`, `${UNKNOWN}.front-door.test`]
  return [
    [victim.tenant, SUSPENDED, UNKNOWN].map((tenant) => byPath({ tenant })),
    hosts.map((host) => ({ host, prefix: '' })),
  ]
}

export const EXISTENCE: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-exists-by-answer',
      title: 'Whether there is such a tenant, by status, header fields and body at the gateway',
      kind: 'existence',
      references: ['HT-12'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, victim, wire, door, mark } = duel
        const good = await accessToken(attacker)
        const forged = forge(
          attacker.realm,
          headerOf(attacker.realm, ACCESS_TYP),
          accessClaims(victim),
        )
        const outcomes = []
        for (const ways of routes(victim)) {
          for (const token of [undefined, 'x.y.z', good, forged]) {
            const heard = await Promise.all(
              ways.map((way) => call(wire, door, way, mark, { token })),
            )
            outcomes.push(alike(heard, WHAT))
          }
        }
        return (
          outcomes.find(({ crossed }) => crossed) ?? {
            crossed: false,
            met: `${outcomes.length} times three answers, each time the same for ${WHAT}`,
          }
        )
      },
    },
  ),
  attack(
    {
      id: 'fd-exists-by-work',
      title: 'Whether there is such a tenant, by how much the gateway works before it refuses',
      kind: 'existence',
      references: ['HT-12'],
    },
    {
      async owner(duel) {
        let line = ''
        const signatures = await signaturesOf(duel.door, async () => {
          line = await ownerReads(duel)
        })
        must(signatures > 0, 'be seen to cost a signature')
        return `${line}; signatures are counted`
      },
      async attempt(duel) {
        const { attacker, victim, wire, door, mark } = duel
        const tokens = [await accessToken(attacker), 'x.y.z']
        const counts: number[][] = []
        for (const token of tokens) {
          for (const ways of routes(victim)) {
            const counted = []
            for (const way of ways) {
              counted.push(await signaturesOf(door, () => call(wire, door, way, mark, { token })))
            }
            counts.push(counted)
          }
        }
        const crossed = counts.some((counted) => new Set(counted).size !== 1)
        return { crossed, met: `signatures for ${WHAT}: ${counts.map(String).join(' / ')}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-exists-by-context',
      title: 'Whether there is such a tenant, by how vending refuses a forged context',
      kind: 'existence',
      references: ['HT-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { victim, wire, door, ground } = duel
        const { stranger } = ground.keys
        const header = headerOf(stranger, CONTEXT_TYP)
        const heard = await Promise.all(
          [victim.tenant, SUSPENDED, UNKNOWN].map(async (tenant_id) => {
            const subject_token = forge(stranger, header, contextClaims(victim, { tenant_id }))
            return (await vend(wire, door, { fields: { subject_token } })).heard
          }),
        )
        return alike(heard, WHAT)
      },
    },
  ),
  attack(
    {
      id: 'fd-exists-by-workload',
      title: 'Whether there is such a workload, by how vending refuses its assertion',
      kind: 'existence',
      references: ['HT-12'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { victim, wire, door, ground } = duel
        const { strangersOther } = ground.keys
        const { web, report } = ground.workloads
        const subject_token = await contextFor(ground, victim)
        const assertions = [
          assertionOf({ client: web.client, key: strangersOther }),
          assertionOf({ client: report.client, key: strangersOther }),
          assertionOf({ ...web, key: strangersOther }, { iss: 'nobody', sub: 'nobody' }),
          assertionOf(web, { aud: 'somebody' }),
        ]
        const heard = []
        for (const client_assertion of assertions) {
          const fields = { subject_token, client_assertion }
          heard.push((await vend(wire, door, { fields })).heard)
        }
        return alike(heard, 'workloads that there are and are not')
      },
    },
  ),
  leaseOracle('revoke', 'Whether there is such a lease, by how its revocation is answered'),
  leaseOracle('renew', 'Whether there is such a lease, by how its renewal is refused'),
]

/** Compares what comes of the victim's lease with what comes of one that there is not. */
function leaseOracle(act: 'revoke' | 'renew', title: string): FrontDoorAttack {
  return staged(
    { id: `fd-exists-lease-${act}`, title, kind: 'existence', references: ['HT-12', 'HT-10'] },
    async (duel: Duel) => {
      const { leaseId } = await ownerLeases(duel)
      return {
        owner: 'the owner has a lease, and works with it',
        async attempt() {
          const subject_token = await contextFor(duel.ground, duel.attacker)
          const heard = []
          for (const lease_id of [leaseId, randomUUID(), 'no-such-lease']) {
            const fields = { subject_token, lease_id, grant_type: undefined }
            const path = `/v1/leases/${act}`
            heard.push((await vend(duel.wire, duel.door, { path, fields })).heard)
          }
          return alike(heard, "the victim's lease and ones that there are not")
        },
      }
    },
  )
}
