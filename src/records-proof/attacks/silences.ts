import type { AlertSink } from '../../alerts/alert-sink.ts'
import { ownerOf } from '../../alerts/alert.ts'
import { MemoryAlertStore } from '../../alerts/memory-alert-store.ts'
import type { Notice } from '../../alerts/notice.ts'
import { Alerts } from '../../alerts/open-alerts.ts'
import type { Duel } from '../duel.ts'
import type { Party } from '../house/party.ts'
import { attackOf, must, type Outcome, type RecordsAttack } from './attack.ts'

const write = attackOf('write')
const read = attackOf('read')
const RULE = 'budget-spent'
const HOUR_MS = 3_600_000
const AT_ONCE = { groupWaitMs: 0, groupIntervalMs: 0, repeatMs: HOUR_MS } as const

interface Room {
  readonly alerts: ReturnType<Duel['plane']['pieces']['alerts']>
  /** Something is wrong with what is the party's. @returns how often its sink was told of it */
  readonly wrong: (party: Party, labels: Readonly<Record<string, string>>) => Promise<number>
  /** A silence of the party's, of this rule whatever the labels. */
  readonly silenced: (party: Party) => Promise<string>
}

/** Alerts of both tenants, each with a sink. */
async function room(duel: Duel): Promise<Room> {
  const told: Notice[] = []
  const sinks = duel.ground.parties.map(({ tenant }): AlertSink => {
    const deliver = async (notice: Notice) => void told.push(notice)
    return { owner: ownerOf(tenant), name: 'pager', deliver }
  })
  const open = await Alerts.open({
    store: new MemoryAlertStore(),
    ...{ sinks: () => sinks, times: AT_ONCE, log: () => undefined },
  })
  duel.afterwards(() => open.close())
  const alerts = duel.plane.pieces.alerts(open, duel.plane.site)
  return {
    alerts,
    async wrong({ tenant, usageCanary: summary }, labels) {
      const signal = { name: RULE, tenant, severity: 'warning', state: 'firing' } as const
      await open.signal({ ...signal, at: new Date(), summary, labels })
      await open.look()
      await open.deliver()
      return told.splice(0).filter(({ owner }) => owner === ownerOf(tenant)).length
    },
    async silenced({ tenant, entryCanary: reason }) {
      const until = new Date(Date.now() + HOUR_MS)
      const { id } = await alerts.silence(ownerOf(tenant), {
        name: RULE,
        until,
        by: 'proof',
        reason,
      })
      return id
    },
  }
}

export const SILENCES: readonly RecordsAttack[] = [
  write(
    'rc-silence-others',
    'Silence a rule, so that another tenant is not told of it',
    async (duel) => {
      const { wrong, silenced } = await room(duel)
      must((await wrong(duel.victim, { budget: 'first' })) === 1, 'be told of its alert')
      return {
        owner: 'the owner was told of its alert',
        attempt: async () => {
          await silenced(duel.attacker)
          const own = await wrong(duel.attacker, { budget: 'own' })
          const theirs = await wrong(duel.victim, { budget: 'second' })
          return {
            crossed: theirs === 0,
            met: `${own} notices to its own sink, ${theirs} to the owner’s`,
          }
        },
      }
    },
  ),
  write('rc-silence-ended', 'End a silence of another tenant by its id', async (duel) => {
    const { alerts, wrong, silenced } = await room(duel)
    const id = await silenced(duel.victim)
    must((await wrong(duel.victim, { budget: 'first' })) === 0, 'have its alert silenced')
    return {
      owner: 'the owner was told of nothing that it has silenced',
      attempt: async (): Promise<Outcome> => {
        await alerts.endSilence(ownerOf(duel.attackerId), id)
        const theirs = await wrong(duel.victim, { budget: 'second' })
        const left = alerts.silences(ownerOf(duel.victimId)).length
        return { crossed: theirs > 0 || left === 0, met: `${left} silences are left` }
      },
    }
  }),
  read('rc-silence-listed', 'List silences and alerts of another tenant', async (duel) => {
    const { alerts, wrong, silenced } = await room(duel)
    await silenced(duel.victim)
    await wrong(duel.victim, { budget: 'first' })
    const listed = (owner: ReturnType<typeof ownerOf>) =>
      JSON.stringify([alerts.silences(owner), alerts.firing(owner)])
    const { entryCanary, usageCanary } = duel.victim
    const own = listed(ownerOf(duel.victimId))
    must(own.includes(entryCanary) && own.includes(usageCanary), 'list what is its own')
    return {
      owner: 'the owner listed its silence and its alert',
      attempt: async () => {
        const found = listed(ownerOf(duel.attackerId))
        const crossed = found.includes(entryCanary) || found.includes(usageCanary)
        return {
          crossed,
          met: crossed ? 'what is another tenant’s' : 'nothing of another tenant’s',
        }
      },
    }
  }),
]
