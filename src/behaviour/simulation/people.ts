import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { SeededRandom } from './seeded-random.ts'

/** Somebody who works. */
export interface Person {
  readonly tenant: TenantId
  readonly name: string
  /** Calls in a busy hour. */
  readonly busy: number
  readonly office: string
  readonly mobile: string
}

/** A partner's program. */
export interface Partner {
  readonly tenant: TenantId
  readonly grantee: TenantId
  readonly grant: string
  /** Calls in five busy minutes. */
  readonly busy: number
  /** Calls in each five minutes of a job from two to a quarter past at night. */
  readonly nightly: number
}

export interface Cast {
  readonly people: readonly Person[]
  readonly partners: readonly Partner[]
}

const PEOPLE_PER_TENANT = 8

export function castOf(tenants: number, random: SeededRandom): Cast {
  const ids = Array.from({ length: tenants }, (_, place) => parseTenantId(`tenant-${place}`))
  const people = ids.flatMap((tenant, place) =>
    Array.from({ length: PEOPLE_PER_TENANT }, (_, number) => ({
      ...{ tenant, name: `person-${number}`, busy: random.between(10, 60) },
      office: `198.51.${place}.1`,
      mobile: `203.0.${place}.${number + 1}`,
    })),
  )
  const partners = ids.slice(1).map((tenant, place) => ({
    tenant,
    grantee: ids[place] ?? tenant,
    grant: `gr-${String(place).padStart(20, '0')}`,
    busy: random.between(10, 60),
    nightly: place % 2 === 0 ? random.between(60, 120) : 0,
  }))
  return { people, partners }
}

/** How busy an hour is: by night and at weekends hardly. */
export function busyness(hour: number, weekday: number): number {
  const isWeekend = weekday >= 5
  const shape = hour < 7 || hour >= 20 ? 0.02 : hour < 9 || hour >= 17 ? 0.4 : hour === 12 ? 0.6 : 1
  return shape * (isWeekend ? 0.08 : 1)
}
