import { newOperatorToken } from '../../control/operators/operator-token.ts'
import { must, statusesOf } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel, Operator } from '../duel.ts'
import { CHIEF } from '../house/site.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged } from './attack.ts'
import { assertionOf, contextsBy } from './workloads.ts'

const facts = (id: string, title: string): AttackFacts => ({ id, title, kind: 'read' })
const GUESSES = 40

/** An operator that has read the victim with its token. */
async function reader(
  duel: Duel,
): Promise<Operator & { readonly path: string; readonly owner: string }> {
  const operator = await duel.operator()
  const path = `/v1/tenants/${duel.victim.tenant}`
  const { status } = await duel.ownerSays('GET', path, { token: operator.token })
  must(status === 200, 'read its tenant with its token')
  return { ...operator, path, owner: 'the owner read its tenant with its token' }
}

function ofToken(
  id: string,
  title: string,
  attempt: (duel: Duel, reader: Operator & { readonly path: string }) => Promise<readonly Heard[]>,
): OfficeAttack {
  return staged(facts(id, title), async (duel) => {
    const one = await reader(duel)
    return { owner: one.owner, attempt: async () => noneMay(await attempt(duel, one)) }
  })
}

export const TOKENS: readonly OfficeAttack[] = [
  ofToken('ca-token-expired', 'A token after its end', async (duel, { name, token, path }) => {
    await duel.site.database.query(
      `update registry.operator set expires_at = clock_timestamp() - interval '1 second'
        where name = $1`,
      [name],
    )
    return [await duel.says('GET', path, { token })]
  }),
  ofToken('ca-token-revoked', 'A token that was revoked', async (duel, { name, token, path }) => {
    await duel.site.plane.operators.revoke(name, CHIEF)
    return [await duel.says('GET', path, { token })]
  }),
  ofToken('ca-token-forged', 'Tokens cut, lengthened, altered, made up', async (duel, one) => {
    const { token, path } = one
    const swapped = token.endsWith('0') ? '1' : '0'
    const tokens = [
      token.slice(0, -1),
      `${token}0`,
      `${token.slice(0, -1)}${swapped}`,
      `${token.slice(0, 30)}${newOperatorToken().slice(30)}`,
      token.toUpperCase(),
      token.slice('rfo_'.length),
      one.name,
      newOperatorToken(),
    ]
    const heard: Heard[] = []
    for (const forged of tokens) heard.push(await duel.says('GET', path, { token: forged }))
    return heard
  }),
  ofToken('ca-token-in-query', 'A token in the address', async (duel, { token, path }) => [
    await duel.says('GET', `${path}?access_token=${token}`),
    await duel.says('GET', `${path}?token=${token}`),
    await duel.says('GET', `/v1/tenants?limit=1&access_token=${token}`),
  ]),
  ofToken('ca-token-elsewhere', 'A token in other fields and schemes', async (duel, one) => {
    const { token, path } = one
    const fields: readonly (readonly [string, string])[] = [
      ['Authorization', `Basic ${Buffer.from(`${one.name}:${token}`).toString('base64')}`],
      ['Authorization', token],
      ['Proxy-Authorization', `Bearer ${token}`],
      ['X-Forwarded-Authorization', `Bearer ${token}`],
      ['Cookie', `token=${token}`],
      ['X-Api-Key', token],
    ]
    const heard: Heard[] = []
    for (const field of fields) heard.push(await duel.says('GET', path, { headers: [field] }))
    return heard
  }),
  ofToken('ca-token-two', 'Two credentials in one request', async (duel, { token, path }) => {
    const narrow = await duel.operator(['leases:read'])
    const { web } = duel.ground.workloads
    const body = {
      job: 'nightly',
      service: web.service,
      scopes: ['read'],
      seconds: 60,
      reason: 'a proof',
      client_assertion: assertionOf(web),
    }
    return [
      await duel.says('GET', path, {
        headers: [
          ['Authorization', `Bearer ${narrow.token}`],
          ['Authorization', `Bearer ${token}`],
        ],
      }),
      await duel.says('GET', path, {
        headers: [['Authorization', `Bearer ${narrow.token}, Bearer ${token}`]],
      }),
      await duel.says('POST', '/v1/job-contexts', { token, body }),
    ]
  }),
  staged(facts('ca-token-guessed', 'Tokens guessed as fast as one can'), async (duel) => {
    const { owner, path } = await reader(duel)
    return {
      owner,
      attempt: async () => {
        const heard: Heard[] = []
        for (let n = 0; n < GUESSES; n += 1) {
          heard.push(await duel.says('GET', path, { token: newOperatorToken() }))
        }
        return { crossed: heard.every(({ status }) => status !== 429), met: statusesOf(heard) }
      },
    }
  }),
  staged(facts('ca-assertion-guessed', 'Assertions guessed as fast as one can'), async (duel) => {
    const { web } = duel.ground.workloads
    const { status } = await contextsBy(duel, web, { tenants: [duel.victim.tenant] }, 'owner')
    must(status === 200, 'get a job context with its own key')
    return {
      owner: 'the workload got a job context with its own key',
      attempt: async () => {
        const heard: Heard[] = []
        for (let n = 0; n < GUESSES; n += 1) {
          const wrong = { key: duel.ground.keys.stranger }
          heard.push(await contextsBy(duel, web, { assertion: assertionOf(web, {}, wrong) }))
        }
        return { crossed: heard.every(({ status }) => status !== 429), met: statusesOf(heard) }
      },
    }
  }),
]
