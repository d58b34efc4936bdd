import type { z } from 'zod'
import type { Difference } from '../../manifests/diff.ts'
import type {
  Applied,
  Drift,
  GenerationView,
  ObjectChange,
  ObjectView,
} from '../manifests/manifests.ts'
import type {
  appliedSchema,
  generationSchema,
  WireDifference,
  WireDrift,
  WireObject,
  WireObjectChange,
} from './object-schemas.ts'

/** From what the control plane says of manifests to what the API answers. */

export function wireObject(view: ObjectView): WireObject {
  const { manifest, generation, hash, createdAt, changedAt } = view
  const { name, tenant } = manifest.metadata
  return {
    manifest: {
      ...manifest,
      metadata: { name, ...(tenant === undefined ? {} : { tenant }) },
      spec: { ...manifest.spec },
    },
    generation,
    hash,
    set: view.set ?? null,
    created_at: createdAt.toISOString(),
    changed_at: changedAt.toISOString(),
    by: view.by ?? null,
    why: view.why ?? null,
  }
}

export function wireGeneration(view: GenerationView): z.infer<typeof generationSchema> {
  const { generation, act, hash, set, at, by, why } = view
  return { generation, act, hash, set: set ?? null, at: at.toISOString(), by, why }
}

export function wireObjectChange(change: ObjectChange): WireObjectChange {
  const { kind, name, tenant } = change.reference
  return {
    kind,
    name,
    tenant: tenant ?? null,
    change: change.change,
    generation: change.generation,
    workflow: change.workflow ?? null,
    diff: change.diff.map(wireDifference),
  }
}

export function wireApplied({ dryRun, version, changes }: Applied): z.infer<typeof appliedSchema> {
  return { dry_run: dryRun, version, changes: changes.map(wireObjectChange) }
}

export function wireDrift({ version, refusal, entries }: Drift): WireDrift {
  return {
    version,
    refusal: refusal ?? null,
    entries: entries.map(({ tenant, diff }) => ({
      tenant: tenant ?? null,
      diff: diff.map(wireDifference),
    })),
  }
}

function wireDifference({ path, before, after }: Difference): WireDifference {
  return { path, before: before ?? null, after: after ?? null }
}
