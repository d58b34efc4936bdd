import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { SECOND_PERSON } from '../house/people.ts'
import { decisionPath } from './approvals.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged } from './attack.ts'
import { asksForToken } from './people.ts'

const facts = (id: string, title: string): AttackFacts => ({ id, title, kind: 'write' })
const YES = { body: { approve: true } } as const

/** Somebody asks, a second person approves, and it is done: so it should go. */
async function asItShould(duel: Duel): Promise<string> {
  const { approval, make } = await asksForToken(duel)
  const { token } = await duel.person(['approver'])
  const decided = await duel.ownerSays('POST', decisionPath(approval), { ...YES, token })
  must(decided.status === 200, 'approve what somebody else asked for')
  // Its token is its own: what it sees of it is nobody's secret.
  must((await make()).status === 201, 'do what a second person approved')
  return 'somebody did what a second person had approved'
}

/** Approves somehow, and then does it. */
function approved(
  id: string,
  title: string,
  decide: (
    duel: Duel,
    asked: Awaited<ReturnType<typeof asksForToken>>,
  ) => Promise<readonly Heard[]>,
): OfficeAttack {
  return staged(facts(id, title), async (duel) => {
    const owner = await asItShould(duel)
    const asked = await asksForToken(duel)
    return {
      owner,
      attempt: async () => noneMay([...(await decide(duel, asked)), await asked.make()]),
    }
  })
}

export const FOUR_EYES: readonly OfficeAttack[] = [
  approved(
    'ca-four-eyes-alone',
    'A guarded act by one person, again and again',
    async (_duel, { make }) => [await make(), await make()],
  ),
  approved(
    'ca-four-eyes-self',
    'The requester approves its guarded act, also by a token that it owns',
    async (duel, { who, approval }) => {
      const own = await duel.operator(['approvals:write'], who.name)
      const path = decisionPath(approval)
      return [
        await duel.says('POST', path, { ...YES, token: who.token }),
        await duel.says('POST', path, { ...YES, token: own.token }),
      ]
    },
  ),
  approved(
    'ca-four-eyes-by-token',
    'A guarded act is approved by a token, by one factor, by a role that does not decide',
    async (duel, { approval }) => {
      const path = decisionPath(approval)
      const token = await duel.operator(['approvals:write'])
      const weak = await duel.person(['approver'], { acr: 'urn:ringfence:acr:1' })
      const other = await duel.person(['operator'])
      const heard: Heard[] = []
      for (const one of [token, weak, other]) {
        heard.push(await duel.says('POST', path, { ...YES, token: one.token }))
      }
      return heard
    },
  ),
  staged(
    facts('ca-four-eyes-other-act', 'What was approved for one act is used for a wider one'),
    async (duel) => {
      const owner = await asItShould(duel)
      const { approval, make } = await asksForToken(duel)
      await duel.site.plane.approvals.decide(approval, true, undefined, SECOND_PERSON)
      return {
        owner,
        attempt: async () =>
          noneMay([
            await make(['leases:read', 'operators:write']),
            await make(['tenants:read', 'leases:read']),
          ]),
      }
    },
  ),
  staged(
    facts('ca-four-eyes-twice', 'One approval is used for the same act twice'),
    async (duel) => {
      const { tenant } = await duel.settledGuest()
      const { token } = await duel.person(['security'])
      const what = { token, body: { compromised: true } }
      const path = `/v1/tenants/${tenant}/keys`
      const shown = await duel.together(() => duel.ownerSays('POST', path, what))
      must(shown.status === 200, 'replace keys with a second person')
      return {
        owner: 'somebody replaced a tenant’s keys with a second person',
        attempt: async () => noneMay([await duel.says('POST', path, what)]),
      }
    },
  ),
]
