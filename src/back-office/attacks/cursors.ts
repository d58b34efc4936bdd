import { must, statusesOf } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import type { Heard } from '../../strikes/wire.ts'
import { CHIEF } from '../house/site.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const facts = (id: string, title: string): AttackFacts => ({ id, title, kind: 'read' })

/**
 * Lists of the attacker's own: they are all that somebody who acts for one tenant is let through to,
 * by a console or a proxy in front of the API.
 */
const HISTORY = { of: (tenant: string) => `/v1/tenants/${tenant}/history?limit=1` }
const WORKFLOWS = { of: (tenant: string) => `/v1/workflows?tenant=${tenant}&limit=1` }

/** The cursor of the victim's list, after the first page of it was read with it. */
async function cursorOf(
  duel: Duel,
  list: typeof HISTORY,
): Promise<{ token: string; cursor: string }> {
  const { token } = await duel.operator(['tenants:read'])
  for (const { tenant } of [duel.victim, duel.attacker]) {
    const { items } = await duel.site.plane.workflows.list({ tenant }, { limit: 2 })
    if (items.length > 1) continue
    await duel.site.ended(await duel.site.plane.tenants.export(tenant, CHIEF))
  }
  const first = await duel.ownerSays('GET', list.of(duel.victim.tenant), { token })
  const cursor = String(bodyOf(first)['next'])
  const more = `${list.of(duel.victim.tenant)}&cursor=${cursor}`
  const second = await duel.ownerSays('GET', more, { token })
  must(second.status === 200 && second.body !== first.body, 'turn the page with its cursor')
  return { token, cursor }
}

function elsewhere(id: string, title: string, from: typeof HISTORY, to: (duel: Duel) => string) {
  return staged(facts(id, title), async (duel) => {
    const { token, cursor } = await cursorOf(duel, from)
    return {
      owner: 'the owner turned a page with its cursor',
      attempt: async () =>
        noneMay([await duel.says('GET', `${to(duel)}&cursor=${cursor}`, { token })]),
    }
  })
}

/** Cursors as somebody without the key would make them. */
function forgeries(duel: Duel, cursor: string): readonly string[] {
  const [body = '', tag = ''] = cursor.split('.')
  const { tenant } = duel.victim
  const position = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const list = JSON.stringify({ list: 'workflows', filter: { tenant }, after: 0 })
  return [
    body,
    `${body}.`,
    `.${tag}`,
    `${body}.${tag.slice(0, -4)}`,
    `${body}.${'A'.repeat(tag.length)}`,
    `${position([999_999])}.${tag}`,
    `${position([tenant])}.${tag}`,
    position({ list: 'workflows', filter: { tenant }, after: 0 }),
    Buffer.from(list).toString('base64'),
  ]
}

export const CURSORS: readonly OfficeAttack[] = [
  elsewhere(
    'ca-cursor-other-tenant',
    "The cursor of another tenant's history, in one's own",
    HISTORY,
    (duel) => HISTORY.of(duel.attacker.tenant),
  ),
  elsewhere(
    'ca-cursor-other-filter',
    "The cursor of another tenant's workflows, in the list of one's own",
    WORKFLOWS,
    (duel) => WORKFLOWS.of(duel.attacker.tenant),
  ),
  elsewhere(
    'ca-cursor-other-list',
    'The cursor of one list in another',
    WORKFLOWS,
    () => '/v1/approvals?limit=1',
  ),
  staged(facts('ca-cursor-forged', 'Cursors that somebody made, cut or altered'), async (duel) => {
    const { token, cursor } = await cursorOf(duel, WORKFLOWS)
    return {
      owner: 'the owner turned a page with its cursor',
      attempt: async () => {
        const heard: Heard[] = []
        for (const forged of forgeries(duel, cursor)) {
          const path = `${WORKFLOWS.of(duel.attacker.tenant)}&cursor=${encodeURIComponent(forged)}`
          heard.push(await duel.says('GET', path, { token }))
        }
        return { crossed: heard.some(({ status }) => status < 400), met: statusesOf(heard) }
      },
    }
  }),
]
