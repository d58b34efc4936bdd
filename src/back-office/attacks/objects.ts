import { parseSetName } from '../../core/names.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import {
  contractForm,
  EVERYBODYS,
  form,
  type Form,
  guardrailForm,
  pathOf,
  planForm,
  read,
  storeForm,
  upstreamForm,
} from '../house/declared.ts'
import { EU, STANDARD } from '../house/ground.ts'
import { CHIEF } from '../house/site.ts'
import { noneMay, type OfficeAttack, staged } from './attack.ts'
import {
  facts,
  someName,
  declared,
  restored,
  forgotten,
  administers,
  writes,
  secretGuardrail,
} from './object-tools.ts'

export const OBJECTS: readonly OfficeAttack[] = [
  staged(
    facts('ca-object-of-other', "An administrator declares, changes and removes another tenant's"),
    async (duel) => {
      const { token, owner } = await administers(duel)
      const there = guardrailForm(someName('theirs'), duel.victimId)
      await declared(duel, there)
      return {
        owner,
        attempt: async () => {
          const weaker = { ...there, spec: guardrailForm('x', undefined, 9_999_999).spec }
          const added = guardrailForm(someName('added'), duel.victimId)
          return noneMay([
            ...(await writes(duel, token, weaker)),
            ...(await writes(duel, token, added)),
          ])
        },
      }
    },
  ),
  staged(
    facts('ca-object-read-other', "An administrator reads what is another tenant's", 'read'),
    async (duel) => {
      const { token, owner } = await administers(duel)
      const there = secretGuardrail(duel, someName('theirs'))
      await declared(duel, there)
      return {
        owner,
        attempt: async () => {
          const path = pathOf(there)
          const heard = [
            await duel.says('GET', path, { token }),
            await duel.says('GET', `${path}?generation=1`, { token }),
            await duel.says('GET', `${path}/history`, { token }),
            await duel.says('GET', `${path}?tenant=${duel.attackerId}`, { token }),
            await duel.says('GET', '/v1/drift', { token }),
          ]
          // Lists are good, and hold nothing of it.
          await duel.says('GET', '/v1/objects?limit=500', { token })
          await duel.says('GET', `/v1/objects?tenant=${duel.victimId}`, { token })
          await duel.says('GET', '/v1/objects?kind=guardrail&limit=500', { token })
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-refer-other', "A tenant's contract forwards to another tenant's upstream"),
    async (duel) => {
      const { token } = await duel.administrator()
      const own = upstreamForm(someName('mine'), 'https://mine.example.com', duel.attackerId)
      const theirs = upstreamForm(someName('theirs'), 'https://theirs.example.com', duel.victimId)
      await declared(duel, own, theirs)
      const put = (upstream: string) => {
        const { spec } = contractForm(duel.attackerId, upstream)
        const path = pathOf(contractForm(duel.attackerId, upstream))
        return { path, body: { spec } }
      }
      const good = put(own.metadata.name)
      const made = await duel.ownerSays('PUT', good.path, { token, body: good.body })
      must(made.status === 200, `forward to an upstream of its own: ${made.body}`)
      duel.afterwards(() => duel.ownerSays('DELETE', good.path, { token }))
      return {
        owner: 'the administrator had an API forwarded to an upstream of its own',
        attempt: async () => {
          const { path, body } = put(theirs.metadata.name)
          const objects = [contractForm(duel.attackerId, theirs.metadata.name)]
          return noneMay([
            await duel.says('PUT', path, { token, body }),
            await duel.says('POST', '/v1/apply', { token, body: { objects } }),
          ])
        },
      }
    },
  ),
  staged(
    facts('ca-object-prune-other', 'Pruning a set takes what another tenant has of the same set'),
    async (duel) => {
      const { token } = await duel.administrator()
      const set = parseSetName(someName('set'))
      const theirs = guardrailForm(someName('theirs'), duel.victimId)
      await declared(duel, theirs)
      await duel.site.plane.manifests.apply({ manifests: [read(theirs)], set }, CHIEF)
      const own = guardrailForm(someName('mine'), duel.attackerId)
      const apply = (objects: readonly Form[]) => ({ token, body: { objects, set, prune: true } })
      const made = await duel.ownerSays('POST', '/v1/apply', {
        token,
        body: { objects: [own], set },
      })
      must(made.status === 200, 'declare something of a set')
      return {
        owner: 'the administrator declared something of a set',
        attempt: async () => {
          const { status, body } = await duel.says('POST', '/v1/apply', apply([]))
          const left = await duel.site.plane.manifests
            .get({ kind: 'Guardrail', name: theirs.metadata.name, tenant: duel.victimId }, CHIEF)
            .catch(() => undefined)
          const told = body.includes(theirs.metadata.name)
          return { crossed: left === undefined || told, met: String(status) }
        },
      }
    },
  ),
  staged(
    facts('ca-object-of-platform', "An administrator weakens or makes what is the platform's"),
    async (duel) => {
      const { token, owner } = await administers(duel)
      duel.afterwards(() => restored(duel))
      return {
        owner,
        attempt: async () => {
          const seen = await duel.says('GET', `/v1/objects/${EVERYBODYS}`, { token })
          must(seen.status === 200, 'read what holds for everybody')
          const region = String(EU)
          const forms = [
            guardrailForm('everybodys', undefined, 9_999_999),
            upstreamForm('clinic', 'https://mine.example.com'),
            planForm(STANDARD, 9_999_999),
            planForm(someName('gold'), 9_999_999),
            form('Tenant', duel.attackerId, { tier: 'pooled', region, plan: 'guarded' }),
          ]
          const heard: Heard[] = []
          for (const one of forms) heard.push(...(await writes(duel, token, one)))
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-policy-other', "A tenant's policies name entities of another tenant"),
    async (duel) => {
      const { attackerId, victimId } = duel
      const { token } = await duel.administrator()
      const rule = (tenant: string) => `permit(principal in Role::"${tenant}/x", action, resource);`
      const role = (tenant: string) => ({ type: 'Role', id: `${tenant}/x` })
      const entity = (uid: string, parent: string) => ({
        entities: [{ uid: role(uid), attrs: {}, parents: [role(parent)] }],
      })
      const good = storeForm(attackerId, rule(attackerId))
      const put = ({ spec }: Form) => ({ token, body: { spec } })
      const made = await duel.ownerSays('PUT', pathOf(good), put(good))
      must(made.status === 200, `name an entity of its own: ${made.body}`)
      duel.afterwards(() => forgotten(duel))
      return {
        owner: 'the administrator named an entity of its own tenant',
        attempt: async () => {
          const heard: Heard[] = []
          for (const one of [
            storeForm(attackerId, rule(victimId)),
            storeForm(attackerId, `permit(principal, action, resource in Tenant::"${victimId}");`),
            storeForm(attackerId, rule(attackerId), entity(victimId, attackerId)),
            storeForm(attackerId, rule(attackerId), entity(attackerId, victimId)),
          ]) {
            heard.push(await duel.says('PUT', pathOf(one), put(one)))
            const objects = [one]
            heard.push(await duel.says('POST', '/v1/apply', { token, body: { objects } }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-upstream-inside', "A tenant's own upstream at an address of the platform's"),
    async (duel) => {
      const { token } = await duel.administrator()
      const guest = await duel.settledGuest()
      const host = `${someName('host')}.example.com`
      const { tenants } = duel.site.plane
      await tenants.update(guest.tenant, { hosts: [host] }, undefined, CHIEF)
      duel.afterwards(() => tenants.update(guest.tenant, { hosts: [] }, undefined, CHIEF))
      const at = (url: string) => upstreamForm('crm', url, duel.attackerId)
      const good = at('https://crm.example.com')
      const made = await duel.ownerSays('PUT', pathOf(good), { token, body: { spec: good.spec } })
      must(made.status === 200, 'declare an upstream on the internet')
      duel.afterwards(() => forgotten(duel))
      return {
        owner: 'the administrator declared an upstream on the internet',
        attempt: async () => {
          const heard: Heard[] = []
          for (const url of [
            'http://169.254.169.254/latest',
            'http://127.1:5432',
            'http://[::ffff:10.0.0.1]',
            'http://metadata.google.internal',
            `https://${host}`,
            `https://${host.toUpperCase()}.:8443`,
            'https://user:secret@crm.example.com',
          ]) {
            const { spec } = at(url)
            heard.push(await duel.says('PUT', pathOf(good), { token, body: { spec } }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
]
