import { randomBytes } from 'node:crypto'
import { OPERATOR_SCOPES } from '../../control/control-plane.ts'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { UNKNOWN } from '../house/ground.ts'
import { justMet, noneMay, type OfficeAttack, staged, tellingOf } from './attack.ts'
import { asked, decided, offered, offerTo, secretName, speaker, third } from './grant-tools.ts'
import { facts } from './object-tools.ts'
import { bodyOf } from '../../strikes/heard.ts'

/** A victim who gives grants itself. */
async function gives(duel: Duel): Promise<{ readonly token: string; readonly owner: string }> {
  const token = await speaker(duel, duel.victimId)
  await offered(duel, token, third(duel))
  return { token, owner: 'the owner offered a grant of its own' }
}

const agree = (duel: Duel, token: string, id: string) =>
  duel.says('POST', `/v1/grants/${id}/acceptance`, { token, body: {} })
const offer = (duel: Duel, token: string, body: object = offerTo(duel.attackerId)) =>
  duel.says('POST', '/v1/grants', { token, body })

/** Credentials of the victim's tenant that do not speak for it. */
function without(
  id: string,
  title: string,
  credentials: (duel: Duel) => Promise<readonly string[]>,
): OfficeAttack {
  return staged(facts(id, title), async (duel) => {
    const { owner } = await gives(duel)
    const waiting = await offered(duel, await speaker(duel, third(duel)), duel.victimId)
    return {
      owner,
      attempt: async () => {
        const heard: Heard[] = []
        for (const token of await credentials(duel)) {
          heard.push(await agree(duel, token, waiting), await offer(duel, token))
        }
        return noneMay(heard)
      },
    }
  })
}

/** What came of a grant, as each of both has it in its own record. */
function recorded(duel: Duel, id: string, token: string): void {
  const { uses } = duel.site.world.users
  const at = '2026-01-02T03:04:05.000Z'
  const use = (side: 'grantor' | 'grantee', name: string) => ({
    ...{ grant: id, side, token: name, scopes: ['read'], at },
  })
  const enter = (tenant: TenantId, side: 'grantor' | 'grantee', name: string) =>
    uses.set(tenant, [use(side, `${name}-2`), use(side, `${name}-1`)])
  enter(duel.victimId, 'grantor', token)
  enter(duel.attackerId, 'grantee', 'own')
  duel.afterwards(async () => uses.clear())
}

/** One tenant's consent as somebody would get it without asking that tenant. */
export const GRANTS: readonly OfficeAttack[] = [
  staged(
    facts('ca-grant-between-others', 'Reading, accepting, refusing, ending what is between others'),
    async (duel) => {
      const other = third(duel)
      const [victim, grantee] = [await speaker(duel, duel.victimId), await speaker(duel, other)]
      const id = await offered(duel, victim, other, secretName(duel))
      await decided(duel, grantee, await offered(duel, victim, other), 'acceptance')
      const token = await speaker(duel, duel.attackerId)
      return {
        owner: 'the owner accepted what was offered to it',
        attempt: async () => {
          await duel.says('GET', '/v1/grants', { token })
          return noneMay(await asked(duel, token, id))
        },
      }
    },
  ),
  staged(
    facts('ca-grant-own-offer', 'The giver of a grant accepts it in the place of the other side'),
    async (duel) => {
      const { attackerId, victimId } = duel
      const [own, victim] = [await speaker(duel, attackerId), await speaker(duel, victimId)]
      await decided(duel, victim, await offered(duel, own, victimId), 'acceptance')
      return {
        owner: 'the owner accepted what was offered to it',
        attempt: async () => {
          const id = await offered(duel, own, victimId)
          return noneMay([await agree(duel, own, id)])
        },
      }
    },
  ),
  staged(
    facts('ca-grant-in-others-name', "Offering oneself a grant in another tenant's name"),
    async (duel) => {
      const { owner } = await gives(duel)
      const token = await speaker(duel, duel.attackerId)
      return {
        owner,
        attempt: async () => {
          const body = offerTo(duel.attackerId)
          const named = { ...body, grantor: duel.victimId }
          const path = `/v1/grants?tenant=${duel.victimId}`
          const headers = [['X-Tenant', duel.victimId]] as const
          return noneMay([
            await offer(duel, token, named),
            await offer(duel, token, { ...body, tenant: duel.victimId }),
            await duel.says('POST', path, { token, body }),
            await duel.says('POST', '/v1/grants', { token, body, headers }),
          ])
        },
      }
    },
  ),
  without('ca-grant-by-token', 'An operator, and a token, consent for a tenant', async (duel) => [
    (await duel.operator(OPERATOR_SCOPES)).token,
    (await duel.administrator(duel.victimId)).token,
  ]),
  without('ca-grant-one-factor', 'One factor is enough to consent for a tenant', async (duel) => [
    await speaker(duel, duel.victimId, { acr: 'urn:ringfence:acr:1' }),
  ]),
  staged(
    facts('ca-grant-after-its-end', 'Accepting again what was taken back, refused, or is over'),
    async (duel) => {
      const { attackerId, site, victimId } = duel
      const { token: victim, owner } = await gives(duel)
      const own = await speaker(duel, attackerId)
      const ids = [
        await offered(duel, victim, attackerId),
        await offered(duel, victim, attackerId),
        await offered(duel, victim, attackerId),
        await offered(duel, victim, attackerId),
      ] as const
      const [used, withdrawn, declined, late] = ids
      await decided(duel, own, used, 'acceptance')
      await decided(duel, victim, used, 'revocation')
      await decided(duel, victim, withdrawn, 'revocation')
      await decided(duel, own, declined, 'refusal')
      await site.database.query(
        `update registry.delegation set expires_at = now() where tenant = $1 and id = $2`,
        [victimId, late],
      )
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          for (const id of ids) heard.push(await agree(duel, own, id))
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-grant-who-agreed', 'Who of the other side agreed to a grant', 'read'),
    async (duel) => {
      const { attackerId, victimId } = duel
      const name = secretName(duel)
      const access = { subject: parseSubject(name) }
      const victim = await speaker(duel, victimId, { access })
      const id = await offered(duel, victim, attackerId)
      const seen = await duel.ownerSays('GET', `/v1/grants/${id}`, { token: victim })
      must(seen.body.includes(name), 'see who spoke for it')
      const token = await speaker(duel, attackerId)
      return {
        owner: 'the owner saw who spoke for it',
        attempt: async () =>
          justMet([
            await duel.says('GET', `/v1/grants/${id}`, { token }),
            await duel.says('GET', '/v1/grants', { token }),
          ]),
      }
    },
  ),
  staged(
    facts('ca-grant-uses', "What came of a grant, from the other side's record", 'read'),
    async (duel) => {
      const { attackerId, victimId } = duel
      const [victim, own] = [await speaker(duel, victimId), await speaker(duel, attackerId)]
      const id = await offered(duel, victim, attackerId)
      const secret = secretName(duel)
      recorded(duel, id, secret)
      const path = `/v1/grants/${id}/uses`
      const first = await duel.ownerSays('GET', `${path}?limit=1`, { token: victim })
      must(first.body.includes(secret), 'read its own record')
      return {
        owner: 'the owner read its own record',
        attempt: async () => {
          const seen = await duel.says('GET', path, { token: own })
          const cursor = encodeURIComponent(String(bodyOf(first)['next']))
          const turned = await duel.says('GET', `${path}?cursor=${cursor}`, { token: own })
          return { crossed: turned.status < 400, met: `${seen.status} and ${turned.status}` }
        },
      }
    },
  ),
  staged(
    { ...facts('ca-grant-existence', 'Which grants and tenants there are'), kind: 'existence' },
    async (duel) => {
      const other = third(duel)
      const { token: victim, owner } = await gives(duel)
      const there = await offered(duel, victim, other)
      const token = await speaker(duel, duel.attackerId)
      return {
        owner,
        attempt: async () => {
          const nowhere = `gr-${randomBytes(16).toString('hex')}`
          const [known, guessed] = [
            await asked(duel, token, there),
            await asked(duel, token, nowhere),
          ]
          const differ = known.filter(
            (heard, index) => tellingOf(heard) !== tellingOf(guessed[index] ?? heard),
          )
          const shapes = [
            shapeOf(await offer(duel, token, offerTo(other))),
            shapeOf(await offer(duel, token, offerTo(UNKNOWN))),
          ]
          const crossed = differ.length > 0 || shapes[0] !== shapes[1]
          return { crossed, met: `${differ.length} of ${known.length} answers differ` }
        },
      }
    },
  ),
]

/** What an answer says besides what is new in each. */
function shapeOf(heard: Heard): string {
  const { state, events } = bodyOf(heard)
  const happened = Array.isArray(events) ? events.length : undefined
  return JSON.stringify([heard.status, Object.keys(bodyOf(heard)), state, happened])
}
