import { decodeJwt } from 'jose'
import type { SupportView } from '../../control/support/support.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { type Person, SECOND_PERSON } from '../house/people.ts'
import { CHIEF } from '../house/site.ts'
import { decisionPath } from './approvals.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged, statusOf } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const facts = (id: string, title: string, ...references: string[]): AttackFacts => ({
  id,
  title,
  kind: 'read',
  references,
})
const SECONDS = 600

interface Asked {
  readonly who: Person
  readonly access: SupportView
  /** What the attacker asks for with it. */
  readonly context: (body?: object) => Promise<Heard>
}

/** Somebody asks for access to the victim's data. */
async function asks(duel: Duel): Promise<Asked> {
  const who = await duel.person(['operator'])
  const asking = { tenant: duel.victim.tenant, seconds: SECONDS, reason: 'a proof' }
  const made = await duel.ownerSays('POST', '/v1/support', { token: who.token, body: asking })
  must(made.status === 201, 'ask for access')
  const access = await duel.site.plane.support.get(String(bodyOf(made)['id']))
  const path = `/v1/support/${access.id}/context`
  const context = (body: object = {}) => duel.says('POST', path, { token: who.token, body })
  return { who, access, context }
}

async function approve({ site }: Duel, { access }: Asked): Promise<void> {
  await site.plane.approvals.decide(access.approval ?? '', true, undefined, SECOND_PERSON)
}

/** Waits until the access stands there; gives up after a while, since it may never. */
async function stands({ site }: Duel, id: string, state: SupportView['state']): Promise<boolean> {
  for (let look = 0; look < LOOKS; look += 1) {
    if ((await site.plane.support.get(id)).state === state) return true
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return false
}
const LOOKS = 400
const LOOK_MS = 5

/** With everybody agreed: the owner gets a context with it. */
async function active(duel: Duel): Promise<Asked & { readonly owner: string }> {
  const asked = await asks(duel)
  await approve(duel, asked)
  duel.site.world.say(duel.victim.tenant, 'consent', asked.access)
  must(await stands(duel, asked.access.id, 'active'), 'have its access agreed to')
  const path = `/v1/support/${asked.access.id}/context`
  const shown = await duel.ownerSays('POST', path, { token: asked.who.token, body: {} })
  must(shown.status === 200, 'get a context while its access is active')
  duel.afterwards(async () => {
    await duel.site.plane.support
      .revoke(asked.access.id, 'the strike is over', CHIEF)
      .catch(() => {})
  })
  return { ...asked, owner: 'an operator to whose access all agreed got a context for the tenant' }
}

export const SUPPORT: readonly OfficeAttack[] = [
  staged(facts('ca-support-past-its-end', 'Access after its time'), async (duel) => {
    const { access, context, owner } = await active(duel)
    await duel.site.database.query(
      `update registry.support_access
          set active_at = statement_timestamp() - make_interval(secs => seconds),
              ends_at = statement_timestamp() where id = $1`,
      [access.id],
    )
    return { owner, attempt: async () => noneMay([await context()]) }
  }),
  staged(facts('ca-support-revoked', 'Access that was taken back, or given back'), async (duel) => {
    const { owner } = await active(duel)
    const [byTenant, byUs] = [await active(duel), await active(duel)]
    duel.site.world.say(duel.victim.tenant, 'revoke', byTenant.access)
    await duel.site.plane.support.revoke(byUs.access.id, 'a proof', CHIEF)
    must(await stands(duel, byTenant.access.id, 'revoked'), 'take it back as its tenant')
    return {
      owner,
      attempt: async () => noneMay([await byTenant.context(), await byUs.context()]),
    }
  }),
  staged(
    facts('ca-support-without-consent', 'Access to which the tenant did not agree'),
    async (duel) => {
      const { owner } = await active(duel)
      const asked = await asks(duel)
      await approve(duel, asked)
      return { owner, attempt: async () => noneMay([await asked.context()]) }
    },
  ),
  staged(
    facts('ca-support-consent-forged', 'An operator agrees in the tenant’s place'),
    async (duel) => {
      const { owner } = await active(duel)
      const asked = await asks(duel)
      await approve(duel, asked)
      const { token } = await duel.person(['operator', 'approver', 'security'])
      const path = `/v1/support/${asked.access.id}`
      const consent = { approve: true, consent: true, by: 'administrator' }
      return {
        owner,
        attempt: async () => {
          const heard = [
            await duel.says('POST', `${path}/consent`, { token, body: {} }),
            await duel.says('POST', `${path}/decision`, { token, body: consent }),
            await duel.says('PATCH', path, { token, body: { state: 'active' } }),
            await duel.says('PUT', path, { token, body: { state: 'active' } }),
            await duel.says('POST', decisionPath(asked.access.approval ?? ''), {
              token,
              body: consent,
            }),
          ]
          return noneMay([...heard, await asked.context()])
        },
      }
    },
  ),
  staged(
    facts('ca-support-consent-of-another', 'Another tenant agrees, or agrees to other terms'),
    async (duel) => {
      const { owner } = await active(duel)
      const asked = await asks(duel)
      await approve(duel, asked)
      return {
        owner,
        attempt: async () => {
          const { world } = duel.site
          world.say(duel.attacker.tenant, 'consent', asked.access)
          world.say(duel.victim.tenant, 'consent', { ...asked.access, seconds: 60 })
          // One more round of looks has taken or refused the words once this one is shown.
          const later = await active(duel)
          must(later.access.id !== asked.access.id, 'have another access agreed to')
          return noneMay([await asked.context()])
        },
      }
    },
  ),
  staged(facts('ca-support-of-somebody', 'With somebody else’s access'), async (duel) => {
    const { access, owner } = await active(duel)
    const path = `/v1/support/${access.id}`
    return {
      owner,
      attempt: async () => {
        const heard: Heard[] = []
        for (const { token } of [
          await duel.person(['operator', 'security']),
          await duel.operator(['support:write']),
        ]) {
          heard.push(await duel.says('POST', `${path}/context`, { token, body: {} }))
          heard.push(await duel.says('POST', `${path}/token`, { token, body: {} }))
        }
        return noneMay(heard)
      },
    }
  }),
  staged(
    facts('ca-support-other-tenant', 'With an access to one tenant’s data to another’s'),
    async (duel) => {
      const { owner, context, access } = await active(duel)
      const other = (await duel.settledGuest()).tenant
      const { token } = await duel.operator(['jobs:write', 'support:write'])
      return {
        owner,
        attempt: async () => {
          const heard = [
            await context({ tenant: other }),
            await context({ tenants: [other] }),
            await duel.says('POST', '/v1/job-contexts', {
              token,
              body: {
                job: 'exec',
                service: 'ringfence-operator',
                scopes: ['read'],
                seconds: 60,
                reason: access.id,
                tenants: [other],
              },
            }),
          ]
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-support-wider', 'More than was agreed to: another scope, a longer time'),
    async (duel) => {
      const { owner, context, access } = await active(duel)
      return {
        owner,
        attempt: async () => {
          const refused = [await context({ scope: 'write' }), await context({ scopes: ['write'] })]
          const long = await context({ seconds: 3_600 })
          const { scope, exp = 0 } = decodeJwt(String(bodyOf(long)['token']))
          const end = (access.requestedAt.getTime() + WAIT_MS) / 1000 + SECONDS
          const crossed = scope !== 'read' || exp > end || noneMay(refused).crossed
          return { crossed, met: `${noneMay(refused).met}; ${statusOf(long)}` }
        },
      }
    },
  ),
  staged(
    facts('ca-support-self-approved', 'The requester is the second person, by another credential'),
    async (duel) => {
      const { owner } = await active(duel)
      const who = await duel.person(['operator', 'approver'])
      const own = await duel.operator(['approvals:write', 'support:write'], who.name)
      const asking = { tenant: duel.victim.tenant, seconds: SECONDS, reason: 'a proof' }
      const ask = (token: string) => duel.ownerSays('POST', '/v1/support', { token, body: asking })
      const [first, second] = [bodyOf(await ask(who.token)), bodyOf(await ask(own.token))]
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          for (const { approval } of [first, second]) {
            for (const { token } of [who, own]) {
              const what = { token, body: { approve: true } }
              heard.push(await duel.says('POST', decisionPath(String(approval)), what))
            }
          }
          return noneMay(heard)
        },
      }
    },
  ),
]
/** What agreeing may take, at most. */
const WAIT_MS = 60_000
