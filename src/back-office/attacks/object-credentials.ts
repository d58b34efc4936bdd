import { OPERATOR_SCOPES, TENANT_SCOPES } from '../../control/control-plane.ts'
import { parseSubject } from '../../core/names.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import { type Form, guardrailForm, pathOf } from '../house/declared.ts'
import { CHIEF } from '../house/site.ts'
import { issuerOf } from '../house/world.ts'
import { noneMay, type OfficeAttack, staged } from './attack.ts'
import { OPERATIONS } from './scopes.ts'
import {
  facts,
  someName,
  declared,
  forgotten,
  administers,
  administratorAt,
} from './object-tools.ts'
import { bodyOf, headerOf } from '../../strikes/heard.ts'

/** Credentials, tags and cursors of one tenant's administrators, at what is another's. */
export const OBJECT_CREDENTIALS: readonly OfficeAttack[] = [
  staged(
    facts('ca-object-tag-other', "The tag of one's own object, for another tenant's of its name"),
    async (duel) => {
      const name = someName('same')
      const [own, theirs] = [
        guardrailForm(name, duel.attackerId),
        guardrailForm(name, duel.victimId),
      ]
      await declared(duel, own, theirs)
      const { token } = await duel.operator(TENANT_SCOPES)
      const tagOf = async (one: Form) =>
        headerOf(await duel.ownerSays('GET', pathOf(one), { token }), 'etag')
      const put = async (condition: string, bytes: number) => {
        const { spec } = guardrailForm(name, undefined, bytes)
        const headers = [['If-Match', condition]] as const
        return duel.ownerSays('PUT', pathOf(theirs), { token, body: { spec }, headers })
      }
      const older = await tagOf(theirs)
      must((await put(older, 1_001)).status === 200, 'change an object under its tag')
      must((await put(await tagOf(theirs), 1_000)).status === 200, 'change it back')
      return {
        owner: 'the owner changed an object under its tag',
        attempt: async () => {
          const foreign = await tagOf(own)
          return noneMay([await put(foreign, 5), await put(older, 5), await put(`W/${older}`, 5)])
        },
      }
    },
  ),
  staged(
    facts('ca-object-cursor', "The cursor of another tenant's objects, in one's own list", 'read'),
    async (duel) => {
      const names = [someName('a'), someName('b')]
      const listOf = (tenant: string) => `/v1/objects?tenant=${tenant}&limit=1`
      for (const tenant of [duel.attackerId, duel.victimId]) {
        await declared(duel, ...names.map((name) => guardrailForm(name, tenant)))
      }
      const { token } = await duel.operator(TENANT_SCOPES)
      const first = await duel.ownerSays('GET', listOf(duel.victimId), { token })
      const cursor = encodeURIComponent(String(bodyOf(first)['next']))
      const more = `${listOf(duel.victimId)}&cursor=${cursor}`
      const second = await duel.ownerSays('GET', more, { token })
      must(second.status === 200 && second.body !== first.body, 'turn the page with its cursor')
      const own = await duel.administrator()
      return {
        owner: 'the owner turned a page with its cursor',
        attempt: async () =>
          noneMay([
            await duel.says('GET', `${listOf(duel.attackerId)}&cursor=${cursor}`, own),
            await duel.says('GET', `/v1/objects?limit=1&cursor=${cursor}`, own),
          ]),
      }
    },
  ),
  staged(
    facts('ca-object-token-beyond', "A tenant's token, at everything that is for operators"),
    async (duel) => {
      const { token, owner } = await administers(duel)
      const { tenant } = await duel.settledGuest()
      const lease = duel.site.world.live(tenant)[0] ?? ''
      const things = { tenant, lease, workflow: 'none', approval: 'none', support: 'none' }
      const scopes = OPERATOR_SCOPES.filter((one) => !TENANT_SCOPES.some((own) => own === one))
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          const reads = scopes.flatMap((scope) => OPERATIONS[scope](things))
          for (const [method, path] of reads) {
            // What changes the whole platform would end the proof as well.
            if (method === 'GET') heard.push(await duel.says(method, path, { token }))
          }
          const hold = { token, body: { legal_hold: true } }
          heard.push(await duel.says('PATCH', `/v1/tenants/${tenant}`, hold))
          return { ...noneMay(heard), crossed: heard.some(({ status }) => status !== 403) }
        },
      }
    },
  ),
  staged(
    facts('ca-object-realm-token', "What one's own realm signs, in another tenant's name"),
    async (duel) => {
      const at = administratorAt
      const own = guardrailForm(someName('own'), duel.attackerId)
      const put = { token: await at(duel, {}), body: { spec: own.spec } }
      const made = await duel.ownerSays('PUT', pathOf(own), put)
      must(made.status === 200, 'declare by a sign-in at its own realm')
      duel.afterwards(() => forgotten(duel))
      const there = guardrailForm(someName('theirs'), duel.victimId)
      await declared(duel, there)
      return {
        owner: 'the administrator declared by a sign-in at its own realm',
        attempt: async () => {
          const heard: Heard[] = []
          for (const unusual of [
            { access: { tenant: duel.victimId } },
            { access: { tenant: duel.victimId, subject: parseSubject('operator') } },
            { key: duel.ground.keys.stranger, issuer: issuerOf(duel.victimId) },
          ]) {
            const token = await at(duel, unusual)
            heard.push(await duel.says('GET', pathOf(there), { token }))
            const body = { spec: guardrailForm('x', undefined, 9_999_999).spec }
            heard.push(await duel.says('PUT', pathOf(there), { token, body }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-of-the-former', 'The token of a tenant that is gone, for the next of its id'),
    async (duel) => {
      const { site } = duel
      const former = await duel.settledGuest()
      const { token } = await duel.administrator(former.tenant)
      const own = guardrailForm('own', former.tenant)
      const put = { token, body: { spec: own.spec } }
      const made = await duel.ownerSays('PUT', pathOf(own), put)
      must(made.status === 200, 'declare a guardrail of its own')
      const { tenants } = site.plane
      const over = { purge: true, why: 'a proof' }
      await site.ended(await tenants.offboard(former.tenant, over, CHIEF))
      await site.settle({ ...former, nameCanary: 'the next one' })
      return {
        owner: 'the administrator declared a guardrail before the tenant was gone',
        attempt: async () =>
          noneMay([
            await duel.says('GET', pathOf(own), { token }),
            await duel.says('PUT', pathOf(own), put),
            await duel.says('GET', '/v1/objects', { token }),
          ]),
      }
    },
  ),
]
