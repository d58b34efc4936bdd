import pg from 'pg'
import type { CellName } from '../../../src/core/tenant.ts'
import type { Platform } from '../../../src/platform/platform.ts'
import type { PlatformTenant } from '../../../src/platform/platform-manifest.ts'
import { type DataSpec, planData } from '../data/data-spec.ts'
import { loadTenantData } from '../data/load-tenant-data.ts'

/** A tenant of the manifest, and the cell that the control plane found for it. */
export type PlacedTenant = PlatformTenant & { readonly cell: CellName }

/** Gives a tenant its made-up data, as the platform's administrator. Does nothing the second time. */
export async function fill(
  platform: Platform,
  tenant: PlacedTenant,
): Promise<{ loaded: boolean; appointments: number }> {
  const spec = tenant.data as DataSpec
  const { appointments } = planData(spec)
  const { key, admin } = await platform.cell(tenant.cell).administer(tenant.id)
  const client = new pg.Client(admin)
  await client.connect()
  try {
    const { loaded } = await loadTenantData(client, key, spec)
    if (loaded) await client.query('analyze')
    return { loaded, appointments }
  } finally {
    await client.end()
  }
}

/** What one login for everybody would show: all tenants' rows in the database of `tenant`. */
export async function withoutBoundary(
  platform: Platform,
  tenant: PlacedTenant,
): Promise<{ appointments: number; tenants: number }> {
  const { admin } = await platform.cell(tenant.cell).administer(tenant.id)
  const client = new pg.Client(admin)
  await client.connect()
  try {
    const { rows } = await client.query<{ appointments: number; tenants: number }>(
      `select count(*)::int as appointments, count(distinct tenant_id)::int as tenants
         from clinic.appointment`,
    )
    return rows[0] ?? { appointments: 0, tenants: 0 }
  } finally {
    await client.end()
  }
}
