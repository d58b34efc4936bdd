import { randomUUID } from 'node:crypto'
import { type AuditEntry, logOf } from '../../audit/entry.ts'
import { lineText } from '../../journal/journal-line.ts'
import type { Heard } from '../../strikes/wire.ts'
import { signClientAssertion } from '../../tokens/client-assertion.ts'
import type { UsageEvent } from '../../usage/usage-event.ts'
import type { Duel } from '../duel.ts'
import { entryOf, eventOf } from '../house/furnish.ts'
import { GATEWAY, OTHER_CATEGORIES, VENDING } from '../house/ground.ts'
import { attackOf, must, type RecordsAttack, statusesOf } from './attack.ts'

const write = attackOf('write')
/** Among so many of a log's last entries those of one strike are. */
const NEWEST = 12

export const auditLine = (value: AuditEntry) => lineText({ kind: 'audit', value }).trimEnd()
export const usageLine = (value: UsageEvent) => lineText({ kind: 'usage', value }).trimEnd()

/** An entry of the attacker's log, by the plane itself: the batch is good. */
async function planeSends(duel: Duel): Promise<string> {
  const entry = entryOf(duel.attacker)
  const { status } = await duel.journal(duel.own, 'gateway', [auditLine(entry)])
  const entered = await duel.entered(entry.id)
  must(status === 204 && entered.length === 1, 'send its journal')
  return 'the plane sent a batch, and it is in the log'
}

/** Batches that must enter nothing. */
function forging(
  id: string,
  title: string,
  forge: (duel: Duel, line: (entry: AuditEntry) => string) => Promise<readonly Heard[]>,
): RecordsAttack {
  return write(id, title, async (duel) => ({
    owner: await planeSends(duel),
    attempt: async () => {
      const ids: string[] = []
      const line = (entry: AuditEntry) => {
        ids.push(entry.id)
        return auditLine(entry)
      }
      const heard = await forge(duel, line)
      let entered = 0
      for (const one of ids) entered += (await duel.entered(one)).length
      return { crossed: entered > 0, met: `${statusesOf(heard)}; ${entered} entries came of it` }
    },
  }))
}

export const JOURNALS: readonly RecordsAttack[] = [
  forging('rc-journal-forged', 'Send a batch without a plane’s key', async (duel, line) => {
    const { stranger, gateway, clinic } = duel.ground.keys
    const assertions = [
      '',
      await duel.assertion('gateway', stranger),
      await duel.assertion('gateway', clinic),
      await signClientAssertion(gateway, GATEWAY, 'urn:another-plane'),
      await duel.context(duel.attacker),
    ]
    const heard: Heard[] = []
    for (const assertion of assertions) {
      const lines = [line(entryOf(duel.victim))]
      heard.push(await duel.journal(duel.wire, { assertion }, lines))
    }
    return heard
  }),
  forging('rc-journal-other-plane', 'Send a batch in another plane’s name', async (duel, line) => {
    const { vending, gateway } = duel.ground.keys
    const decision = () => [line(entryOf(duel.victim))]
    const lease = () => [
      line(entryOf(duel.victim, { category: 'lease', action: 'lease.granted', layer: 'vending' })),
    ]
    return [
      await duel.journal(
        duel.wire,
        { assertion: await duel.assertion('gateway', vending) },
        decision(),
      ),
      await duel.journal(
        duel.wire,
        { assertion: await duel.assertion('vending', gateway) },
        lease(),
      ),
    ]
  }),
  forging('rc-journal-workload', 'Send a batch with a workload’s key', async (duel, line) => [
    await duel.journal(duel.wire, 'clinic', [line(entryOf(duel.victim))]),
    await duel.journal(duel.wire, 'lab', [line(entryOf(duel.victim))]),
  ]),
  forging('rc-journal-replayed', 'Show a plane’s assertion a second time', async (duel, line) => {
    const assertion = await duel.assertion('gateway')
    const first = await duel.journal(duel.own, { assertion }, [])
    if (first.status !== 204) throw new Error('the plane could not use its assertion')
    return [await duel.journal(duel.wire, { assertion }, [line(entryOf(duel.victim))])]
  }),
  forging(
    'rc-journal-categories',
    'Enter acts that the plane has no hand in',
    async (duel, line) => {
      const acts = OTHER_CATEGORIES.map((category) =>
        line(entryOf(duel.victim, { category, action: `${category}.forged` })),
      )
      const decision = line(entryOf(duel.victim))
      return [
        await duel.journal(duel.wire, 'gateway', acts),
        await duel.journal(duel.wire, 'vending', [decision]),
      ]
    },
  ),
  forging('rc-journal-shape', 'Enter what is no entry', async (duel, line) => {
    const good = line(entryOf(duel.victim))
    const bad = [
      good.replace('"audit"', '"own"'),
      good.replace('"category":"decision"', '"category":"decision","admin":true'),
      good.replace(`"tenant":"${duel.victim.tenant}"`, `"tenant":"../${duel.victim.tenant}"`),
      good.replace(`"tenant":"${duel.victim.tenant}"`, `"tenant":"tenant/${duel.victim.tenant}"`),
      `${good} ${good}`,
    ]
    return [await duel.journal(duel.wire, 'gateway', bad)]
  }),
  write(
    'rc-journal-again',
    'Send a batch again, by the same journal and by another',
    async (duel) => {
      const reason = `sent again ${randomUUID()}`
      const [entry, event] = [entryOf(duel.attacker, { reason }), eventOf(duel.attacker)]
      const usage = { ...event, source: `/ringfence/${GATEWAY}/1` }
      const lines = [auditLine(entry), usageLine(usage)]
      const { status } = await duel.journal(duel.own, 'gateway', lines)
      must(status === 204, 'send its journal')
      must((await duel.entered(entry.id)).length === 1, 'enter its entry')
      must((await duel.counted(usage)).length === 1, 'have its usage counted')
      return {
        owner: 'the plane sent a batch, and it was entered once',
        attempt: async () => {
          const upper = auditLine({ ...entry, id: entry.id.toUpperCase() })
          const heard = [
            await duel.journal(duel.wire, 'gateway', lines),
            await duel.journal(duel.wire, 'gateway', lines, [['ringfence-source', 'proof-2']]),
            await duel.journal(duel.wire, 'gateway', [upper, ...lines, ...lines]),
          ]
          const size = await entriesOf(duel, reason)
          const counted = (await duel.counted(usage)).length
          return {
            crossed: size > 1 || counted > 1,
            met: `${statusesOf(heard)}; entered ${size} times, counted ${counted} times`,
          }
        },
      }
    },
  ),
  write('rc-journal-source', 'Speak for the journal of another plane', async (duel) => {
    const { admin } = duel.plane.site
    const at = new Date(Date.now() - 60_000).toISOString()
    const complete = [['ringfence-complete-to', at] as const]
    const sent = await duel.journal(duel.own, 'vending', [], complete)
    must(sent.status === 204, 'say how far its journal is complete')
    const said = () =>
      admin.query<{ to: Date }>(
        `select complete_to as to from usage.sender where root = $1 or sender like $1 || '%'`,
        [`/ringfence/${VENDING}`],
      )
    const before = JSON.stringify(await said())
    return {
      owner: 'the plane said how far its journal is complete',
      attempt: async () => {
        const now = ['ringfence-complete-to', new Date().toISOString()] as const
        const heard: Heard[] = []
        for (const source of ['vending', 'vending-1', '../vending/proof-1', '/ringfence/vending']) {
          heard.push(
            await duel.journal(duel.wire, 'gateway', [], [now, ['ringfence-source', source]]),
          )
        }
        const later = [
          'ringfence-complete-to',
          new Date(Date.now() + 3_600_000).toISOString(),
        ] as const
        const fresh = `proof-${randomUUID()}`
        const named = ['ringfence-source', fresh] as const
        heard.push(await duel.journal(duel.wire, 'gateway', [], [later, named]))
        const moved = JSON.stringify(await said()) !== before
        // A clock that is ahead holds up no journal, which is complete up to now at the most.
        const ahead = await admin.query(
          `select from usage.sender
            where sender = $1 and complete_to > clock_timestamp() + interval '5 seconds'`,
          [`/ringfence/${GATEWAY}/${fresh}`],
        )
        return { crossed: moved || ahead.length > 0, met: statusesOf(heard) }
      },
    }
  }),
]

/** How often an act stands in the attacker's log, under whichever id. */
async function entriesOf(duel: Duel, reason: string): Promise<number> {
  const { logs } = duel.plane.site
  const log = logOf(duel.attacker.tenant)
  const size = (await logs.logs()).find((one) => one.log === log)?.size ?? 0
  const all = await logs.read(log, Math.max(0, size - NEWEST), NEWEST)
  return all.filter(({ entry }) => entry?.reason === reason).length
}
