import type { z } from 'zod'
import type { ManifestKind } from './kinds.ts'

/** What a file that a manifest names becomes in it. */
type Content = 'text' | 'base64' | 'document' | 'json-text'

interface FilePlace {
  /** Steps from `spec` on; `*` is every entry of a list. */
  readonly path: readonly string[]
  readonly content: Content
}

/** Where a manifest may say `{file: …}` in place of what the file holds. */
export const FILE_PLACES: Readonly<Record<ManifestKind, readonly FilePlace[]>> = {
  Tenant: [{ path: ['realm', 'keys'], content: 'document' }],
  Plan: [],
  Upstream: [],
  Contract: [{ path: ['apis', '*', 'openapi'], content: 'json-text' }],
  Guardrail: [],
  PolicyStore: [
    { path: ['schema'], content: 'text' },
    { path: ['policies', '*', 'text'], content: 'text' },
    { path: ['templates', '*', 'text'], content: 'text' },
    { path: ['entities'], content: 'document' },
    { path: ['tests'], content: 'document' },
    { path: ['rego'], content: 'base64' },
  ],
  Meter: [],
}

const FILEABLE = new WeakSet<object>()

/** Marks a schema in whose place a file may be named, for the published form. */
export function orFile<S extends z.ZodType>(schema: S): S {
  FILEABLE.add(schema)
  return schema
}

export function isFileable(schema: object): boolean {
  return FILEABLE.has(schema)
}
