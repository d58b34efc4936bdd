import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { UNKNOWN } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { CHIEF } from '../house/site.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged } from './attack.ts'
import { headerOf } from '../../strikes/heard.ts'

const facts = (id: string, title: string): AttackFacts => ({ id, title, kind: 'write' })
const pathOf = ({ tenant }: Pick<Party, 'tenant'>) => `/v1/tenants/${tenant}`

/** The tag of a tenant as it is, after its owner has changed the tenant under the tag before. */
async function changedUnderTag(duel: Duel, party: Party) {
  const { token } = await duel.operator(['tenants:read', 'tenants:write'])
  const read = () => duel.ownerSays('GET', pathOf(party), { token })
  const older = headerOf(await read(), 'etag')
  const what = { token, headers: [['If-Match', older]] as const, body: { legal_hold: false } }
  const { status } = await duel.ownerSays('PATCH', pathOf(party), what)
  must(status === 200, 'change the tenant under its tag')
  return { token, older, present: headerOf(await read(), 'etag') }
}

/** Makes both tenants' revisions the same number. */
async function level(duel: Duel): Promise<void> {
  const { tenants } = duel.site.plane
  const [one, other] = [duel.attacker.tenant, duel.victim.tenant]
  for (;;) {
    const [a, b] = [(await tenants.get(one)).revision, (await tenants.get(other)).revision]
    if (a === b) return
    await tenants.update(a < b ? one : other, { legalHold: false }, undefined, CHIEF)
  }
}

/** Changes of the victim under conditions that do not name its present version. */
function under(
  id: string,
  title: string,
  conditions: (tags: { older: string; present: string; foreign: string }) => readonly string[],
): OfficeAttack {
  return staged(facts(id, title), async (duel) => {
    const { token, older, present } = await changedUnderTag(duel, duel.victim)
    await changedUnderTag(duel, duel.attacker)
    await level(duel)
    const reading = { token }
    const foreign = headerOf(await duel.ownerSays('GET', pathOf(duel.attacker), reading), 'etag')
    const now = headerOf(await duel.ownerSays('GET', pathOf(duel.victim), reading), 'etag')
    return {
      owner: 'the owner changed the tenant under its tag',
      attempt: async () => {
        const heard: Heard[] = []
        for (const condition of conditions({ older, present: now || present, foreign })) {
          const what = { token, headers: [['If-Match', condition]] as const }
          const body = { plan: 'standard' }
          heard.push(await duel.ownerSays('PATCH', pathOf(duel.victim), { ...what, body }))
        }
        return noneMay(heard)
      },
    }
  })
}

export const TAGS: readonly OfficeAttack[] = [
  under('ca-tag-other-tenant', "One's own tag, for another tenant of the same revision", (tags) => [
    tags.foreign,
  ]),
  under('ca-tag-older', 'The tag of an older version', ({ older }) => [older]),
  under('ca-tag-weak', 'The present tag as a weak one, and without its quotes', ({ present }) => [
    `W/${present}`,
    present.replaceAll('"', ''),
  ]),
  under('ca-tag-star-in-list', 'A star among tags of older versions', ({ older }) => [
    `${older}, *`,
    `*, ${older}`,
  ]),
  staged(facts('ca-tag-of-nobody', 'Any version of a tenant that is not there'), async (duel) => {
    const { token } = await changedUnderTag(duel, duel.victim)
    const what = { token, headers: [['If-Match', '*']] as const, body: { legal_hold: true } }
    return {
      owner: 'the owner changed the tenant under its tag',
      attempt: async () => noneMay([await duel.says('PATCH', pathOf({ tenant: UNKNOWN }), what)]),
    }
  }),
]
