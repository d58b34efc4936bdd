import { randomUUID } from 'node:crypto'
import { must } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import { noneMay, type OfficeAttack, staged } from './attack.ts'
import { askedFor } from './approvals.ts'
import { bodyOf } from '../../strikes/heard.ts'

const keyed = (key: string) => [['Idempotency-Key', key]] as const
const refuse = { approve: false }

/** The victim's approval, decided by a colleague with an idempotency key. */
async function decided(duel: Duel) {
  const { approval, workflow } = await askedFor(duel, duel.guest())
  const colleague = await duel.operator()
  const key = randomUUID()
  const path = `/v1/approvals/${approval}/decision`
  const what = { token: colleague.token, headers: keyed(key), body: refuse }
  const first = await duel.ownerSays('POST', path, what)
  await duel.site.ended(workflow)
  const again = await duel.ownerSays('POST', path, what)
  must(first.status === 200 && again.body === first.body, 'get the first answer again')
  return { path, key, colleague, owner: 'the owner got its first answer again by its key' }
}

export const IDEMPOTENCY: readonly OfficeAttack[] = [
  staged(
    {
      id: 'ca-key-of-another',
      title: 'The idempotency key of somebody else, with the same request',
      kind: 'read',
    },
    async (duel) => {
      const { path, key, owner } = await decided(duel)
      const { token } = await duel.operator(['approvals:write'])
      return {
        owner,
        attempt: async () =>
          noneMay([
            await duel.says('POST', path, { token, headers: keyed(key), body: refuse }),
            await duel.says('POST', path, { token, headers: keyed(`"${key}"`), body: refuse }),
          ]),
      }
    },
  ),
  staged(
    {
      id: 'ca-key-without-scope',
      title: 'The idempotency key of somebody else, by a caller who may not do it',
      kind: 'read',
    },
    async (duel) => {
      const { path, key, owner } = await decided(duel)
      const { token } = await duel.operatorWithout('approvals:write')
      return {
        owner,
        attempt: async () =>
          noneMay([await duel.says('POST', path, { token, headers: keyed(key), body: refuse })]),
      }
    },
  ),
  staged(
    {
      id: 'ca-key-secret-answer',
      title: 'The answer that holds a new token, by the key of who asked for it',
      kind: 'read',
    },
    async (duel) => {
      const owner = await duel.operator(['operators:write', 'leases:read'])
      const key = randomUUID()
      const name = `caller-${randomUUID().slice(0, 12)}`
      const what = { headers: keyed(key), body: { name, scopes: ['leases:read'], seconds: 3600 } }
      const asking = { ...what, token: owner.token }
      const first = await duel.together(() => duel.ownerSays('POST', '/v1/operators', asking))
      must(first.status === 201, 'make an operator')
      duel.secrets.push(String(bodyOf(first)['token']))
      const { token } = await duel.operator(['operators:write', 'leases:read'])
      return {
        owner: 'the owner made an operator and got its token',
        attempt: async () =>
          noneMay([await duel.says('POST', '/v1/operators', { ...what, token })]),
      }
    },
  ),
  staged(
    {
      id: 'ca-key-other-body',
      title: 'One key for two different requests',
      kind: 'write',
    },
    async (duel) => {
      const { path, key, colleague, owner } = await decided(duel)
      const other = await askedFor(duel, duel.guest())
      const what = { token: colleague.token, headers: keyed(key) }
      return {
        owner,
        // With an approval in the place of the refusal, and for another tenant.
        attempt: async () =>
          noneMay([
            await duel.ownerSays('POST', path, { ...what, body: { approve: true } }),
            await duel.ownerSays('POST', `/v1/approvals/${other.approval}/decision`, {
              ...what,
              body: refuse,
            }),
          ]),
      }
    },
  ),
]
