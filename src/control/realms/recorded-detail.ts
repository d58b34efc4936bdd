import type { RealmOperation } from '../../administration/operation.ts'

/**
 * What the record keeps of a call: what it was done to, and which other fields were given. The record
 * outlives the tenant, so that names and addresses of its people are not in it, and no secret is.
 */
export function recordedDetail(
  { recorded = [] }: Pick<RealmOperation, 'recorded'>,
  input: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const given = Object.entries(input).filter(([, value]) => value !== undefined)
  const kept = given.filter(([name]) => recorded.includes(name))
  const others = given.map(([name]) => name).filter((name) => !recorded.includes(name))
  return {
    ...Object.fromEntries(kept),
    ...(others.length === 0 ? {} : { fields: others.toSorted() }),
  }
}
