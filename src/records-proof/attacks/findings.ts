import { randomBytes } from 'node:crypto'
import { parseGrantId } from '../../core/names.ts'
import { bodyOf } from '../../strikes/heard.ts'
import type { Heard } from '../../strikes/wire.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Ask, Duel } from '../duel.ts'
import { READER, WRITER } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import type { Door } from '../house/plane.ts'
import { inboxMoved } from '../house/settled.ts'
import { attackOf, eachOf, must, noneMay, type RecordsAttack, statusesOf } from './attack.ts'

const read = attackOf('read')
const write = attackOf('write')
const RESPONSES = '/v1/behaviour/responses'
const HOUR_MS = 3_600_000
const WHY = JSON.stringify({ reason: 'our own scanner' })

const bearing = (token: string): Ask => ({ headers: [['authorization', `Bearer ${token}`]] })
const undoing = ({ headers = [] }: Ask): Ask => ({ method: 'POST', headers, body: WHY })
const newGrant = () => parseGrantId(`gr-${randomBytes(12).toString('hex')}`)

/** A detector has found something about a tenant, and suspended a grant. */
async function begun({ plane }: Duel, party: Party, grant = newGrant()) {
  const { tenant, entryCanary: reason } = party
  const act = { kind: 'suspend-grant', tenant, grant } as const
  const finding = {
    ...({ detector: 'unauthorised-grants', signal: 'unauthorised-grants', tenant } as const),
    ...{ about: `grant ${grant}`, at: Date.now(), counted: 4, limit: 3, acts: [act] },
  }
  const until = new Date(Date.now() + HOUR_MS)
  const made = await plane.site.responses.begin({ finding, act, reason, until })
  must(made !== undefined, 'have something done about it')
  return { id: made.id, grant }
}

/** What has been done is forgotten after the strike, and what was entered of it is in its log. */
function forgetAfter(duel: Duel): void {
  const { admin } = duel.plane.site
  duel.afterwards(async () => {
    await admin.query('delete from behaviour.response')
    await inboxMoved(duel.plane.site)
  })
}

const isInForce = async ({ plane }: Duel, id: string) =>
  (await plane.site.responses.inForce(1_000)).some((one) => one.id === id)

/** Everybody who is no operator that reads, or only reads, at both listeners. */
async function strangers(
  duel: Duel,
  act: 'read' | 'write',
): Promise<readonly (readonly [door: Door, asked: Ask])[]> {
  const { attacker, victim } = duel
  const contexts = [await duel.context(attacker), await duel.context(victim)]
  const tokens = [
    'operator-without',
    'nobody',
    '',
    await duel.assertion('gateway'),
    await duel.assertion('clinic'),
    ...contexts,
    ...(act === 'write' ? [READER] : []),
  ]
  const asked: readonly Ask[] = [
    {},
    ...contexts.map((context): Ask => ({ headers: [[CONTEXT_HEADER, context]] })),
    ...tokens.map(bearing),
  ]
  // Where tenants come in, not even an operator does.
  const own = await duel.context(attacker)
  const operators = [READER, WRITER].map((token): Ask => {
    const { headers = [] } = bearing(token)
    return { headers: [...headers, [CONTEXT_HEADER, own]] }
  })
  return [
    ...asked.map((one) => ['intake', one] as const),
    ...[...asked, ...operators].map((one) => ['tenants', one] as const),
  ]
}

const PREFIXES = ['', '/ringfence', '/ringfence/audit', '//']

/** The same at each place where it could be served. */
function everywhere(
  duel: Duel,
  asked: readonly (readonly [door: Door, asked: Ask])[],
  path: string,
  made: (ask: Ask) => Ask,
): Promise<readonly Heard[]> {
  const all = asked.flatMap(([door, ask]) =>
    (door === 'tenants' ? PREFIXES : ['']).map((prefix) => [door, prefix + path, ask] as const),
  )
  return eachOf(all, ([door, target, ask]) => duel.says(door, target, '', made(ask)))
}

/** What detectors have found and done about a tenant is for operators, and is ended by them. */
export const FINDINGS: readonly RecordsAttack[] = [
  read('rc-finding-read', 'Read what detectors have done about another tenant', async (duel) => {
    forgetAfter(duel)
    await begun(duel, duel.victim)
    await inboxMoved(duel.plane.site)
    const heard = await duel.ownerSays('intake', RESPONSES, '', bearing(READER))
    must(heard.body.includes(duel.victim.entryCanary), 'read what was done')
    return {
      owner: 'the operator read what was done about the tenant, and why',
      attempt: async () =>
        noneMay(await everywhere(duel, await strangers(duel, 'read'), RESPONSES, (ask) => ask)),
    }
  }),
  write('rc-response-ended', 'End what was done about another tenant, by its id', async (duel) => {
    forgetAfter(duel)
    const first = await begun(duel, duel.victim)
    const second = await begun(duel, duel.victim)
    const path = (id: string) => `${RESPONSES}/${id}/undo`
    const undone = await duel.ownerSays('intake', path(first.id), '', undoing(bearing(WRITER)))
    must(undone.status === 200 && !(await isInForce(duel, first.id)), 'end what was done')
    await inboxMoved(duel.plane.site)
    return {
      owner: 'the operator ended one of two responses',
      attempt: async () => {
        const asked = await strangers(duel, 'write')
        const met = noneMay(await everywhere(duel, asked, path(second.id), undoing))
        return { ...met, crossed: met.crossed || !(await isInForce(duel, second.id)) }
      },
    }
  }),
  write('rc-response-again', 'Send again by what an earlier response was ended', async (duel) => {
    forgetAfter(duel)
    const first = await begun(duel, duel.victim)
    const said = undoing(bearing(WRITER))
    const path = `${RESPONSES}/${first.id}/undo`
    const undone = await duel.ownerSays('intake', path, '', said)
    must(bodyOf(undone)['id'] === first.id, 'end what was done')
    const second = await begun(duel, duel.victim, first.grant)
    await inboxMoved(duel.plane.site)
    return {
      owner: 'the operator ended a response; the same was done anew',
      attempt: async () => {
        const paths = [path, path, path.replace(first.id, first.id.toUpperCase()), `${path}/`]
        const heard = await eachOf(paths, (target) => duel.says('intake', target, '', said))
        const left = await isInForce(duel, second.id)
        return { crossed: !left, met: `${statusesOf(heard)}; ${left ? 'in force' : 'ended'}` }
      },
    }
  }),
]
