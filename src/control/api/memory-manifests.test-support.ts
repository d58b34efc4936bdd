import { RingfenceError } from '../../core/errors.ts'
import { contentHash } from '../../manifests/content-hash.ts'
import { differences } from '../../manifests/diff.ts'
import { keyOf, type Manifest, type Reference, referenceOf } from '../../manifests/manifest.ts'
import type { Actor, ControlPlane } from '../control-plane.ts'
import type { ApplyRequest, ObjectChange, ObjectView } from '../manifests/manifests.ts'
import { pageOf } from './memory-page.test-support.ts'
import type { MemoryState } from './memory-state.test-support.ts'

type Manifests = ControlPlane['manifests']

/** Manifests in memory, with their generations; nothing is made of them. */
export function memoryManifests(state: MemoryState): Manifests {
  const present = (reference: Reference): ObjectView | undefined => {
    const last = state.objectsByKey.get(keyOf(reference))?.at(-1)
    return last?.removed === true ? undefined : last?.view
  }
  const found = (reference: Reference, by: Actor): ObjectView => {
    state.check()
    const view = mayRead(reference, by) ? present(reference) : undefined
    if (view === undefined) throw new RingfenceError('not_found', 'there is no such object')
    return view
  }
  const put = (manifest: Manifest, request: ApplyRequest, by: Actor): ObjectChange => {
    const reference = referenceOf(manifest)
    const before = present(reference)
    const diff = differences(before?.manifest.spec, manifest.spec)
    const same = before !== undefined && diff.length === 0
    if (same) {
      return { ...nothing, reference, change: 'unchanged', generation: before.generation }
    }
    const view = enter(manifest, before, request, by)
    const change = before === undefined ? 'created' : 'configured'
    return { reference, change, generation: view.generation, diff, workflow: undefined }
  }
  const enter = (
    manifest: Manifest,
    before: ObjectView | undefined,
    { set, why = 'applied' }: ApplyRequest,
    by: Actor,
    removed = false,
  ): ObjectView => {
    const key = keyOf(referenceOf(manifest))
    const all = state.objectsByKey.get(key) ?? []
    const view = {
      manifest,
      generation: all.length + 1,
      hash: contentHash(manifest.spec),
      set: set ?? before?.set,
      createdAt: before?.createdAt ?? new Date(),
      changedAt: new Date(),
      by: by.name,
      why,
    }
    state.objectsByKey.set(key, [...all, { view, removed }])
    return view
  }
  const nothing = { diff: [], workflow: undefined } as const
  return {
    list: async ({ kind, tenant, set }, page, by) => {
      state.check()
      const all = [...state.objectsByKey.values()]
        .flatMap((entries) => present(referenceOf(entries[0]?.view.manifest ?? never())) ?? [])
        .filter(({ manifest }) => kind === undefined || manifest.kind === kind)
        .filter(({ manifest }) => tenant === undefined || manifest.metadata.tenant === tenant)
        .filter((view) => set === undefined || view.set === set)
        .filter(({ manifest }) => mayRead(referenceOf(manifest), by))
      const key = ({ manifest }: ObjectView) => keyOf(referenceOf(manifest))
      const sorted = all.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
      return pageOf(sorted, key, ['objects', kind, tenant, set], page)
    },
    get: async (reference, by) => found(reference, by),
    generation: async (reference, generation, by) => {
      state.check()
      const entry = state.objectsByKey.get(keyOf(reference))?.[generation - 1]
      if (entry === undefined || entry.removed || !mayRead(reference, by)) {
        throw new RingfenceError('not_found', 'there is no such object')
      }
      return entry.view
    },
    history: async (reference, page, by) => {
      found(reference, by)
      const entries = (state.objectsByKey.get(keyOf(reference)) ?? []).toReversed()
      const items = entries.map(({ view, removed }) => ({
        generation: view.generation,
        act: removed ? ('removed' as const) : ('configured' as const),
        hash: view.hash,
        set: view.set,
        at: view.changedAt,
        by: view.by ?? '',
        why: view.why ?? '',
      }))
      const key = ({ generation }: { generation: number }) => String(1_000_000 - generation)
      return pageOf(items, key, ['generations', keyOf(reference)], page)
    },
    apply: async (request, by) => {
      state.check()
      const { manifests, remove = [], set, prune = false, dryRun = false, expected } = request
      for (const reference of [...manifests.map(referenceOf), ...remove]) {
        if (!mayRead(reference, by))
          throw new RingfenceError('not_found', 'there is no such object')
        if (expected !== undefined) meet(expected, present(reference))
      }
      for (const reference of remove) found(reference, by)
      const told = new Set([...manifests.map(referenceOf), ...remove].map(keyOf))
      const pruned = [...state.objectsByKey.values()]
        .flatMap((entries) => present(referenceOf(entries[0]?.view.manifest ?? never())) ?? [])
        .filter((view) => prune && view.set === set)
        .map(({ manifest }) => referenceOf(manifest))
        .filter((reference) => !told.has(keyOf(reference)))
      const before = new Map(state.objectsByKey)
      const changes = manifests.map((manifest) => put(manifest, request, by))
      for (const reference of [...remove, ...pruned]) {
        const view = found(reference, by)
        const { generation } = enter(view.manifest, view, request, by, true)
        changes.push({ ...nothing, reference, change: 'removed', generation })
      }
      if (dryRun) {
        state.objectsByKey.clear()
        for (const [key, entries] of before) state.objectsByKey.set(key, entries)
      } else state.acts.push({ what: `apply ${changes.length}`, by })
      return { dryRun, version: state.acts.length, changes }
    },
    drift: async () => {
      state.check()
      const diff = [{ path: 'guardrails[sizes]', after: { name: 'sizes' } }]
      return { version: 3, refusal: undefined, entries: [{ tenant: undefined, diff }] }
    },
  }
}

function mayRead({ tenant, kind }: Reference, by: Actor): boolean {
  if (by.tenant === undefined || by.tenant === tenant) return true
  return tenant === undefined && kind === 'Guardrail'
}

function meet(expected: NonNullable<ApplyRequest['expected']>, view: ObjectView | undefined): void {
  const met =
    typeof expected === 'string'
      ? (view === undefined) === (expected === 'absent')
      : view?.generation === expected.generation && view.hash === expected.hash
  if (!met) throw new RingfenceError('precondition_failed', 'it was changed since it was read')
}

function never(): never {
  throw new TypeError('an entry without a view')
}
