import { attacksOfDay } from './attacks.ts'
import type { Label } from './label.ts'
import { busyness, type Cast, castOf, type Partner, type Person } from './people.ts'
import { type Recorded, Records } from './records.ts'
import { SeededRandom } from './seeded-random.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SLOT = 300_000
/** A Monday. */
const BEGIN = Date.parse('2026-03-02T00:00:00Z')
/** How much more or less somebody does on a day: the spread of its logarithm. */
const DAYS_DIFFER = 0.25
/** Of days on which somebody is on the way, with a second address. */
const ON_THE_WAY = 0.15
/** Of hours in which a program tries again and again, and makes three times the calls: no attack. */
const RETRIES = 0.002
const RETRIED = 3
const WRITES = 0.1
const LEASES = 0.2
const DENIALS = 0.01

export interface SimulationOptions {
  readonly seed: number
  readonly tenants: number
  readonly days: number
  /** Days from which on there are attacks: one of each a day. */
  readonly attacksFrom: number
}

export interface SimulatedDay {
  /** In order. */
  readonly lines: readonly Recorded[]
  readonly labels: readonly Label[]
}

/**
 * Traffic of tenants with working days, weekends, people who differ from day to day, partners with nightly
 * jobs, programs that try again, tokens that expire and one that was mistyped: and attacks, each labelled.
 */
export function* simulate(options: SimulationOptions): Generator<SimulatedDay> {
  const random = new SeededRandom(options.seed)
  const records = new Records(random)
  const cast = castOf(options.tenants, random)
  for (let day = 0; day < options.days; day += 1) {
    const at = BEGIN + day * DAY
    const attacks = day < options.attacksFrom ? [] : attacksOfDay(day, at, cast, records, random)
    const lines = [
      ...honestDay(at, day % 7, cast, records, random),
      ...attacks.flatMap(({ lines: own }) => own),
    ]
    yield {
      lines: lines.toSorted((a, b) => a.at - b.at),
      labels: attacks.map(({ label }) => label),
    }
  }
}

function* honestDay(
  at: number,
  weekday: number,
  { people, partners }: Cast,
  records: Records,
  random: SeededRandom,
): Generator<Recorded> {
  for (const person of people) yield* workingDay(at, weekday, person, records, random)
  for (const partner of partners) yield* partnersDay(at, weekday, partner, records, random)
  // Somebody's cron job with a token that was mistyped, and an office full of tokens that have expired.
  for (let count = 0; count < 200; count += 1) {
    yield records.invalidToken('192.0.2.9', at + count * 10_000, 'token: signature')
    yield records.invalidToken('198.51.0.1', at + 9 * HOUR + count * 500, 'token: "exp" claim')
  }
}

function* workingDay(
  at: number,
  weekday: number,
  person: Person,
  records: Records,
  random: SeededRandom,
): Generator<Recorded> {
  const today = person.busy * Math.exp(random.normal() * DAYS_DIFFER)
  const session = random.uuid()
  const isOnTheWay = random.next() < ON_THE_WAY
  if (weekday < 5) yield records.signIn(person, at + 8 * HOUR + random.below(HOUR))
  for (let hour = 0; hour < 24; hour += 1) {
    const retried = random.next() < RETRIES ? RETRIED : 1
    const calls = random.poisson(today * busyness(hour, weekday) * retried)
    for (let call = 0; call < calls; call += 1) {
      const time = at + hour * HOUR + random.below(HOUR)
      yield records.call(person, time)
      if (random.next() < LEASES) yield records.lease(person, time)
      const chance = random.next()
      if (chance < DENIALS + WRITES) {
        const address = isOnTheWay && random.next() < 0.5 ? person.mobile : person.office
        yield records.request(person, time, session, address, chance < DENIALS)
      }
    }
  }
}

function* partnersDay(
  at: number,
  weekday: number,
  partner: Partner,
  records: Records,
  random: SeededRandom,
): Generator<Recorded> {
  for (let slot = 0; slot < DAY / SLOT; slot += 1) {
    const hour = Math.floor((slot * SLOT) / HOUR)
    const isNightly = slot >= 24 && slot < 27
    const expected = partner.busy * busyness(hour, weekday) + (isNightly ? partner.nightly : 0)
    for (let calls = random.poisson(expected); calls > 0; calls -= 1) {
      yield records.delegatedCall(partner, at + slot * SLOT + random.below(SLOT))
    }
  }
  // Once a day somebody wants what the grant does not give.
  yield records.beyondGrant(partner, at + 10 * HOUR + random.below(HOUR))
}
