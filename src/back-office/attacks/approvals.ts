import { must, statusesOf } from '../../strikes/staged-attack.ts'
import type { WorkflowView } from '../../control/control-plane.ts'
import type { Duel } from '../duel.ts'
import { EU, GUARDED } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { personOf } from '../house/site.ts'
import { noneMay, type OfficeAttack, staged } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

/** A tenant that somebody asked for, and that waits for a second person. */
export async function askedFor(
  duel: Duel,
  party: Party,
  requester: string = party.person,
): Promise<{ readonly approval: string; readonly workflow: WorkflowView }> {
  const { plane, database } = duel.site
  const by = personOf({ person: requester })
  const { tenant: id, nameCanary: displayName } = party
  const asked = { id, displayName, tier: 'pooled', region: EU, plan: GUARDED } as const
  const workflow = await plane.tenants.create(asked, by)
  const [row] = await database.query<{ id: string }>(
    'select id from registry.approval where tenant = $1 order by seq desc limit 1',
    [id],
  )
  must(row !== undefined, 'ask for an approval')
  return { approval: row.id, workflow }
}

export const decisionPath = (approval: string) => `/v1/approvals/${approval}/decision`

/** A colleague's decision on something else, which shows that deciding works. */
async function colleagueDecides(duel: Duel): Promise<string> {
  const { approval, workflow } = await askedFor(duel, duel.guest())
  const { token } = await duel.operator(['approvals:write'])
  const what = { token, body: { approve: false } }
  const { status } = await duel.ownerSays('POST', decisionPath(approval), what)
  await duel.site.ended(workflow)
  must(status === 200, 'decide on what somebody else asked for')
  return 'a colleague decided on what somebody else had asked for'
}

export const APPROVALS: readonly OfficeAttack[] = [
  staged(
    {
      id: 'ca-approval-by-requester',
      title: 'The requester approves what it asked for',
      kind: 'write',
    },
    async (duel) => {
      const owner = await colleagueDecides(duel)
      const requester = await duel.operator()
      const { approval } = await askedFor(duel, duel.guest(), requester.name)
      const what = { token: requester.token, body: { approve: true } }
      return {
        owner,
        attempt: async () => noneMay([await duel.says('POST', decisionPath(approval), what)]),
      }
    },
  ),
  staged(
    {
      id: 'ca-approval-race',
      title: 'Two decide on one approval at the same moment',
      kind: 'write',
    },
    async (duel) => {
      const owner = await colleagueDecides(duel)
      const { approval } = await askedFor(duel, duel.ownGuest())
      const [one, other] = await Promise.all([duel.operator(), duel.operator()])
      return {
        owner,
        attempt: async () => {
          const heard = await Promise.all(
            [one, other].map(({ token }, index) =>
              duel.ownerSays('POST', decisionPath(approval), {
                token,
                body: { approve: index === 0 },
              }),
            ),
          )
          const taken = heard.filter(({ status }) => status === 200)
          const { state } = await duel.site.plane.approvals.get(approval)
          const agrees = taken.every((one) => bodyOf(one)['state'] === state)
          return { crossed: taken.length !== 1 || !agrees, met: statusesOf(heard) }
        },
      }
    },
  ),
  staged(
    {
      id: 'ca-approval-decided-again',
      title: 'What one person refused is approved by the next',
      kind: 'write',
    },
    async (duel) => {
      const owner = await colleagueDecides(duel)
      const { approval } = await askedFor(duel, duel.guest())
      await duel.site.plane.approvals.decide(approval, false, undefined, personOf(duel.victim))
      const { token } = await duel.operator(['approvals:write'])
      const what = { token, body: { approve: true } }
      return {
        owner,
        attempt: async () => noneMay([await duel.says('POST', decisionPath(approval), what)]),
      }
    },
  ),
]
