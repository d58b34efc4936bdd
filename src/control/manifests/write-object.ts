import { isDeepStrictEqual } from 'node:util'
import { RingfenceError } from '../../core/errors.ts'
import type { SetName } from '../../core/names.ts'
import { differences } from '../../manifests/diff.ts'
import { type Manifest, type Reference, referenceOf } from '../../manifests/manifest.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Expected, ObjectChange } from './manifests.ts'
import { findObject, hashOfSpec, manifestFrom, type ObjectRow, ownerKey } from './object-row.ts'

/** Who writes and why, for every generation that is written. */
export interface Writing {
  readonly by: Actor
  readonly why: string
  readonly set: SetName | undefined
  readonly expected: Expected | undefined
}

/**
 * Writes one thing as it is described, if it is not that already.
 * @param registered what is in force of it by the registry, for what is registered besides
 * @throws RingfenceError `conflict` for what belongs to another set, `precondition_failed`
 */
export async function writeObject(
  tx: Tx,
  manifest: Manifest,
  writing: Writing,
  registered?: Manifest,
): Promise<Omit<ObjectChange, 'workflow'>> {
  const reference = referenceOf(manifest)
  const row = await findObject(tx, reference)
  const before = registered ?? (row && manifestFrom(row))
  meet(writing.expected, before, row)
  const set = ofSet(row, writing.set)
  const diff = differences(before?.spec, manifest.spec)
  const same = before !== undefined && isDeepStrictEqual(before.spec, manifest.spec)
  if (same && set === (row?.set_name ?? undefined)) {
    return { reference, change: 'unchanged', generation: row?.generation ?? 0, diff: [] }
  }
  const change = before === undefined ? 'created' : 'configured'
  const generation = await nextGeneration(tx, reference)
  const { by, why } = writing
  const hash = hashOfSpec(manifest)
  const values = [ownerKey(reference.tenant), reference.kind, reference.name]
  await tx.query(
    `insert into registry.object (owner, kind, name, spec, generation, hash, set_name, by, why)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (owner, kind, name) do update set spec = excluded.spec,
       generation = excluded.generation, hash = excluded.hash, set_name = excluded.set_name,
       by = excluded.by, why = excluded.why, changed_at = clock_timestamp()`,
    [...values, JSON.stringify(manifest.spec), generation, hash, set ?? null, by.name, why],
  )
  await recordGeneration(tx, { reference, generation, hash, set, act: change }, manifest, writing)
  return { reference, change, generation, diff }
}

/** @throws RingfenceError `not_found`, `precondition_failed` */
export async function removeObject(
  tx: Tx,
  reference: Reference,
  writing: Writing,
): Promise<Omit<ObjectChange, 'workflow'>> {
  const row = await findObject(tx, reference)
  if (row === undefined) {
    throw new RingfenceError('not_found', `there is no ${reference.kind} ${reference.name}`)
  }
  const before = manifestFrom(row)
  meet(writing.expected, before, row)
  const generation = await nextGeneration(tx, reference)
  const removed = { reference, generation, hash: row.hash, act: 'removed' } as const
  await recordGeneration(tx, { ...removed, set: row.set_name ?? undefined }, undefined, writing)
  await tx.query('delete from registry.object where owner = $1 and kind = $2 and name = $3', [
    ownerKey(reference.tenant),
    reference.kind,
    reference.name,
  ])
  return { reference, change: 'removed', generation, diff: differences(before.spec, undefined) }
}

function meet(
  expected: Expected | undefined,
  before: Manifest | undefined,
  row: ObjectRow | undefined,
): void {
  if (expected === undefined) return
  const met =
    typeof expected === 'string'
      ? (before === undefined) === (expected === 'absent')
      : before !== undefined &&
        expected.generation === (row?.generation ?? 0) &&
        expected.hash === hashOfSpec(before)
  if (!met) {
    throw new RingfenceError('precondition_failed', 'it was changed since it was read')
  }
}

/** What one set applies and prunes, another does not. */
function ofSet(row: ObjectRow | undefined, set: SetName | undefined): SetName | undefined {
  const there = row?.set_name ?? undefined
  if (set === undefined || there === undefined || there === set) return set ?? there
  throw new RingfenceError('conflict', `it belongs to the set ${there}`)
}

/**
 * Numbers are never given twice, not even to what was removed in between. Policy stores of one owner
 * count together: their version is what decisions are known by.
 */
async function nextGeneration(tx: Tx, { kind, name, tenant }: Reference): Promise<number> {
  const [row] = await tx.query<{ next: number }>(
    `select coalesce(max(generation), 0) + 1 as next from registry.object_generation
      where owner = $1 and kind = $2 and (name = $3 or kind = 'PolicyStore')`,
    [ownerKey(tenant), kind, name],
  )
  return row?.next ?? 1
}

async function recordGeneration(
  tx: Tx,
  entry: {
    readonly reference: Reference
    readonly generation: number
    readonly hash: string
    readonly set: SetName | undefined
    readonly act: 'created' | 'configured' | 'removed'
  },
  manifest: Manifest | undefined,
  { by, why }: Writing,
): Promise<void> {
  const { reference, generation, hash, set, act } = entry
  await tx.query(
    `insert into registry.object_generation
       (owner, kind, name, generation, spec, hash, act, set_name, by, why, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[ownerKey(reference.tenant), reference.kind, reference.name, generation],
      ...[manifest === undefined ? null : JSON.stringify(manifest.spec), hash, act],
      ...[set ?? null, by.name, why, by.requestId],
    ],
  )
}
