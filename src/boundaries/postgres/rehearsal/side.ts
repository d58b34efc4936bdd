import type { TenantId } from '../../../core/tenant.ts'
import type { TenantKey } from '../names.ts'
import type { Site } from '../site.ts'
import type { PlantedRow } from './plant.ts'

/** A tenant of a rehearsal: where it lives, what was planted for it, and its ways in. */
export interface Side {
  readonly tenant: TenantId
  readonly key: TenantKey
  /** Occurs nowhere else: whoever sees it has seen this tenant's data. */
  readonly canary: string
  /** The server that holds the tenant. */
  readonly site: Site
  readonly database: string
  readonly planted: readonly PlantedRow[]
}

/** The planted row of one of the proving ground's tables. */
export function groundRow(side: Side, table: string): Readonly<Record<string, unknown>> {
  const found = side.planted.find(({ table: t }) => t.qualified === `"ground"."${table}"`)
  if (found === undefined) throw new Error(`nothing was planted in ground.${table}`)
  return found.row
}
