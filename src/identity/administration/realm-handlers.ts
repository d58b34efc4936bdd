import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { RealmCall, RealmOperation } from '../../administration/operation.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'

/** One call of an operation, checked. */
export interface Asked<I> {
  readonly tenant: TenantId
  readonly input: I
  readonly call: RealmCall
}

/** How the operations of one subject are done. */
export type RealmHandlers<Operations extends Readonly<Record<string, RealmOperation>>> = {
  readonly [N in keyof Operations]: (
    asked: Asked<z.output<Operations[N]['input']>>,
  ) => Promise<z.input<Operations[N]['output']>>
}

/** One page of a list that was read whole, in the order of its keys. */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): { items: T[] } {
  const keyed = all.map((item) => ({ item, key: keyOf(item) }))
  const later = keyed.filter(({ key }) => after === undefined || key > after)
  later.sort((a, b) => (a.key < b.key ? -1 : 1))
  return { items: later.slice(0, limit).map(({ item }) => item) }
}

/** The id of what a call makes: the same at each repeat, so that a repeat finds it. */
export function idOf(tenant: TenantId, what: string, { key }: RealmCall): string | undefined {
  if (key === undefined) return undefined
  const text = JSON.stringify([tenant, what, key])
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

export function notFound(what: string): RingfenceError {
  return new RingfenceError('not_found', `there is no such ${what}`)
}

/** Leaves out what was not given. */
export function said<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

export function doneNow(): { at: string } {
  return { at: new Date().toISOString() }
}

export function time(at: Date): string {
  return at.toISOString()
}
