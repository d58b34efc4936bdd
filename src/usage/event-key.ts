import { hash } from 'node:crypto'
import type { TenantId } from '../core/tenant.ts'
import type { UsageEvent } from './usage-event.ts'

declare const keyBrand: unique symbol
/** An event's key as the store has it: 128 bits, written as a UUID. Only `eventKey` makes one. */
export type EventKey = string & { readonly [keyBrand]: true }

/** What names an event: within one tenant, so that nobody takes the name of another tenant's. */
export function eventKey(tenant: TenantId, source: string, id: string): EventKey {
  // None of the three holds a newline.
  return uuidOf(`${tenant}\n${source}\n${id}`) as EventKey
}

export interface Named {
  readonly source: string
  readonly id: string
}

/** The event that another corrects or voids; undefined for one that stands for itself. */
export function targetOf({ corrects, voids }: UsageEvent): Named | undefined {
  const text = corrects ?? voids
  if (text === undefined) return undefined
  const blank = text.indexOf(' ')
  return { source: text.slice(0, blank), id: text.slice(blank + 1) }
}

/**
 * The same for two events that say the same, in whatever order and notation: a retry has it, and a forgery
 * has not.
 */
export function contentHash(event: UsageEvent): string {
  const { data, time, datacontenttype: _form, ...rest } = event
  const sorted = (record: object) =>
    Object.entries(record)
      .filter(([, value]) => value !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return uuidOf(JSON.stringify([Date.parse(time), sorted(rest), sorted(data)]))
}

function uuidOf(text: string): string {
  const hex = hash('sha256', text, 'hex')
  // One text, and not a chain of nine: it is compared and looked up by whoever keeps events.
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-')
}
