import type { Finding } from '../../behaviour/finding.ts'
import { Behaviour } from '../../behaviour/behaviour.ts'
import { behaviourSettingsSchema } from '../../behaviour/settings.ts'
import { usageEventSchema } from '../../usage/usage-event.ts'
import type { Duel } from '../duel.ts'
import type { Party } from '../house/party.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'

const disturb = attackOf('disturbance')
const HOUR_MS = 3_600_000
const WEEK = 168
const BEGIN = Date.parse('2026-03-02T00:00:00Z')
/** In an hour: what is usual, what is more than anything that could be, and what a poisoner sends. */
const USUAL = 100
const FLOOD = 2_000
const POISON = 300
/** How much higher the threshold may be after a week of poison: `docs/behaviour.md`. */
const HIGHER_MAX = 2.5
const PRINCIPALS = 6_000

/** A detector with a clock of its own, and what it found. */
function watching({ plane }: Duel) {
  const found: Finding[] = []
  let now = BEGIN
  const settings = behaviourSettingsSchema.parse({})
  const sound = new Behaviour({ settings, now: () => now, found: (one) => void found.push(one) })
  const watch = plane.pieces.watch(sound, plane.site)
  /** So many calls of somebody of a tenant. @returns what was found of that */
  const call = ({ tenant }: Party, subject: string, count: number): readonly Finding[] => {
    const before = found.length
    const event = usageEventSchema.parse({
      ...{ specversion: '1.0', id: `${now}`, source: '/gateway', type: 'dev.ringfence.request' },
      ...{ time: new Date(now).toISOString(), tenantid: tenant, subject, data: {} },
    })
    watch.used(Array.from({ length: count }, () => event))
    return found.slice(before)
  }
  return {
    found,
    call,
    /** Hour for hour, and then the next begins. */
    week: (each: (hour: number) => void): void => {
      for (let hour = 0; hour < WEEK; hour += 1) {
        each(hour)
        now += HOUR_MS
      }
    },
    /** A flood by somebody, and from how many calls on it is told; undefined when it is not. */
    toldFrom: (party: Party, subject: string): number | undefined =>
      call(party, subject, FLOOD).find(
        ({ detector, tenant, about }) =>
          detector === 'unusual-volume' && tenant === party.tenant && about === `user ${subject}`,
      )?.limit,
  }
}

/** From how many calls on a flood is told after a week as usual. */
function toldAfterUsualWeek(duel: Duel, party: Party): number {
  const { week, call, toldFrom } = watching(duel)
  week(() => call(party, 'alice', USUAL))
  const limit = toldFrom(party, 'alice')
  must(limit !== undefined, 'be told of a flood')
  return limit
}

/** A week of the victim's in which the attacker does something, and whether the victim is told after it. */
function poisoning(
  id: string,
  title: string,
  poison: (call: ReturnType<typeof watching>['call'], duel: Duel, hour: number) => void,
): RecordsAttack {
  return disturb(id, title, async (duel) => {
    const { victim } = duel
    const before = toldAfterUsualWeek(duel, victim)
    return {
      owner: `a flood was told to the owner from ${Math.ceil(before)} calls an hour on`,
      attempt: async () => {
        const { week, call, toldFrom, found } = watching(duel)
        week((hour) => {
          call(victim, 'alice', USUAL)
          poison(call, duel, hour)
        })
        const early = found.filter(({ tenant }) => tenant === victim.tenant).length
        const after = toldFrom(victim, 'alice')
        const met = after === undefined ? 'not at all' : `from ${Math.ceil(after)} on`
        return { crossed: after !== before || early > 0, met: `${met}, ${early} told before it` }
      },
    }
  })
}

/** A week in which somebody makes much of its own usual. Each hour it says how much, told or not. */
function training(
  id: string,
  title: string,
  next: (hour: number, last: number, wasTold: boolean) => number,
): RecordsAttack {
  return disturb(id, title, async (duel) => {
    const { attacker } = duel
    const before = toldAfterUsualWeek(duel, attacker)
    return {
      owner: `a flood is told from ${Math.ceil(before)} calls an hour on`,
      attempt: async () => {
        const { week, call, toldFrom } = watching(duel)
        week(() => call(attacker, 'alice', USUAL))
        let [last, wasTold, told] = [USUAL, false, 0]
        week((hour) => {
          last = next(hour, last, wasTold)
          wasTold = call(attacker, 'alice', last).length > 0
          if (wasTold) told += 1
        })
        const after = toldFrom(attacker, 'alice')
        const crossed = after === undefined || after > before * HIGHER_MAX
        const times = after === undefined ? 'never' : `${(after / before).toFixed(1)} times that`
        return { crossed, met: `told from ${times} on, and ${told} times in that week` }
      },
    }
  })
}

/** Traffic that is there for what a detector makes of it. */
export const BASELINES: readonly RecordsAttack[] = [
  poisoning(
    'rc-baseline-others',
    'Move what is usual of another tenant by traffic of people of the same names',
    (call, { attacker }) => void call(attacker, 'alice', POISON),
  ),
  poisoning(
    'rc-baseline-pushed-out',
    'Push out what is known of another tenant by principals without number',
    (call, { attacker }, hour) => {
      if (hour !== WEEK - 1) return
      for (let at = 0; at < PRINCIPALS; at += 1) call(attacker, `user-${at}`, 1)
    },
  ),
  training(
    'rc-baseline-trained',
    'Make a flood one’s own usual, a little more each hour, further than is stated',
    (_hour, last, wasTold) =>
      wasTold ? Math.floor(last * 0.95) : Math.min(Math.ceil(last * 1.05), FLOOD / 2),
  ),
  training(
    'rc-baseline-flooded',
    'Make a flood one’s own usual by floods on three days of seven',
    (hour) => (hour < (WEEK * 3) / 7 ? FLOOD / 2 : USUAL),
  ),
]
