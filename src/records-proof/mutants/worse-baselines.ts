import type { SeriesName } from '../../behaviour/baselines.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { UsageEvent } from '../../usage/usage-event.ts'
import type { Pieces } from '../house/pieces.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

const HOUR_MS = 3_600_000
const DAY = 24
const WEEK = 168
const SERIES_MAX = 2_000

type Counted = SeriesName & { readonly counts: number[] }

/** All that is counted of an event: for its tenant, and for who it was. */
const principalsOf = ({ subject = '' }: UsageEvent) => ['', `user ${subject}`]

/** A detector whose memory is made anew each hour, out of plain counts. */
function remembering(
  usualOf: (counts: readonly number[]) => readonly number[],
): Pick<Pieces, 'watch'> {
  return {
    watch: (sound) => {
      const all = new Map<string, Counted>()
      let slot = 0
      const turn = (now: number) => {
        if (now === slot) return
        slot = now
        for (const { tenant } of all.values()) sound.forget(tenant)
        for (const { counts, ...name } of all.values()) {
          const values = counts.length < WEEK ? [...counts] : usualOf(counts)
          sound.baselines.restore(name, { slot, count: 0, values })
          counts.push(0)
        }
      }
      return {
        used(events) {
          const [first] = events
          if (first !== undefined) turn(Math.floor(Date.parse(first.time) / HOUR_MS))
          for (const event of events) {
            for (const principal of principalsOf(event)) {
              const key = `${event.tenantid} ${principal}`
              const known = all.get(key)
              const name = { tenant: event.tenantid, principal, signal: 'calls' }
              const { counts } = known ?? { ...name, counts: [0] }
              if (known === undefined) all.set(key, { ...name, counts })
              counts.push((counts.pop() ?? 0) + 1)
            }
          }
          sound.used(events)
        },
      }
    },
  }
}

/** So many are remembered, whoever's they are: what came longest ago goes. */
function sharedMemory(): Pick<Pieces, 'watch'> {
  return {
    watch: (sound) => {
      const known = new Map<string, TenantId>()
      return {
        used(events) {
          for (const event of events) {
            for (const principal of principalsOf(event)) {
              known.set(`${event.tenantid} ${principal}`, event.tenantid)
            }
          }
          if (known.size > SERIES_MAX) {
            const [oldest] = known.values()
            for (const [key, tenant] of known) if (tenant === oldest) known.delete(key)
            if (oldest !== undefined) sound.forget(oldest)
          }
          sound.used(events)
        },
      }
    },
  }
}

/** Detectors that can be taught, or made to forget. */
export const WORSE_BASELINES: readonly RecordsMutant[] = [
  mutant(
    'rc-baseline-by-name',
    'What is usual is known by the name of who it is, whoever’s',
    ['rc-baseline-others'],
    {
      watch: (sound, { ground }) => ({
        used: (events) =>
          ground.parties.forEach(({ tenant }) =>
            sound.used(events.map((event) => ({ ...event, tenantid: tenant }))),
          ),
      }),
    },
  ),
  mutant(
    'rc-baseline-memory-shared',
    'So much is remembered of all tenants together',
    ['rc-baseline-pushed-out'],
    sharedMemory(),
  ),
  mutant(
    'rc-baseline-yesterday',
    'What was counted yesterday, whatever it was, is usual',
    ['rc-baseline-trained'],
    remembering((counts) => Array.from({ length: 7 }, () => counts.slice(-DAY)).flat()),
  ),
  mutant(
    'rc-baseline-mean',
    'The mean of a week is usual, floods and all',
    ['rc-baseline-flooded'],
    remembering((counts) => {
      const week = counts.slice(-WEEK)
      const mean = Math.ceil(week.reduce((sum, one) => sum + one, 0) / week.length)
      return week.map(() => mean)
    }),
  ),
]
