import type { Label } from './label.ts'
import type { Cast } from './people.ts'
import type { Recorded, Records } from './records.ts'
import type { SeededRandom } from './seeded-random.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

export interface Staged {
  readonly label: Label
  readonly lines: readonly Recorded[]
}

type Stage = (
  at: number,
  turn: number,
  cast: Cast,
  records: Records,
  random: SeededRandom,
) => Staged | undefined

const spread = (count: number, from: number, over: number, random: SeededRandom) =>
  Array.from({ length: count }, () => from + random.below(over))

/** Requests with tokens that nobody signed, so many in a minute, for five minutes. */
const forged =
  (attack: string, perMinute: number): Stage =>
  (at, turn, _cast, records) => {
    const about = `192.0.2.${10 + turn}`
    const lines = Array.from({ length: perMinute * 5 }, (_, place) =>
      records.invalidToken(about, at + (place * MINUTE) / perMinute, 'token: signature'),
    )
    const label = { attack, detector: 'invalid-claims', about } as const
    return { label: { ...label, from: at, to: at + 5 * MINUTE }, lines }
  }

/** Somebody's volume, so many times what it is in a busy hour, in one hour. */
const drained =
  (attack: string, times: number): Stage =>
  (at, turn, { people }, records, random) => {
    const person = people[(turn * 5) % people.length]
    if (person === undefined) return undefined
    const from = Math.floor(at / HOUR) * HOUR
    const count = Math.round(person.busy * times)
    const lines = spread(count, from, HOUR, random).map((time) => records.call(person, time))
    const { tenant, name } = person
    const label = { attack, detector: 'unusual-volume', tenant, about: `user ${name}` } as const
    return { label: { ...label, from, to: from + HOUR }, lines }
  }

const stolenSession: Stage = (at, turn, { people }, records) => {
  const person = people[(turn * 7) % people.length]
  if (person === undefined) return undefined
  const session = `stolen-${turn}`
  const addresses = [person.office, '192.0.2.201', '192.0.2.202']
  const lines = addresses.map((address, place) =>
    records.request(person, at + place * MINUTE, session, address, false),
  )
  const about = `session ${session}`
  const what = { attack: 'stolen session', detector: 'concurrent-addresses' } as const
  return { label: { ...what, tenant: person.tenant, about, from: at, to: at + 5 * MINUTE }, lines }
}

const probingPartner: Stage = (at, turn, { partners }, records) => {
  const partner = partners[turn % partners.length]
  if (partner === undefined) return undefined
  const lines = Array.from({ length: 6 }, (_, place) =>
    records.beyondGrant(partner, at + place * MINUTE),
  )
  const { tenant, grant } = partner
  const what = { attack: 'probing partner', detector: 'unauthorised-grants' } as const
  return {
    label: { ...what, tenant, about: `grant ${grant}`, from: at, to: at + 10 * MINUTE },
    lines,
  }
}

const partnerSpike: Stage = (at, turn, { partners }, records, random) => {
  const partner = partners[turn % partners.length]
  if (partner === undefined) return undefined
  const from = Math.floor(at / (5 * MINUTE)) * 5 * MINUTE
  const count = Math.round(Math.max(partner.busy, 20) * 8)
  const lines = spread(count, from, 5 * MINUTE, random).map((time) =>
    records.delegatedCall(partner, time),
  )
  const { tenant, grant } = partner
  const what = { attack: 'cross-tenant spike', detector: 'cross-tenant-calls' } as const
  return { label: { ...what, tenant, about: `grant ${grant}`, from, to: from + 5 * MINUTE }, lines }
}

/** Those that are told, and those that keep below what is told. */
const STAGES: readonly Stage[] = [
  stolenSession,
  forged('forged tokens', 30),
  forged('forged tokens, slowly', 8),
  probingPartner,
  partnerSpike,
  drained('drained', 8),
  drained('drained slowly', 1),
]

/** One of each on each day, in working hours. */
export function attacksOfDay(
  day: number,
  dayAt: number,
  cast: Cast,
  records: Records,
  random: SeededRandom,
): readonly Staged[] {
  return STAGES.flatMap((stage, place) => {
    const at = dayAt + (9 + place) * HOUR + random.below(50) * MINUTE
    return stage(at, day, cast, records, random) ?? []
  })
}
