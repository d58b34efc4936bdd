import type { AlertSink } from '../../alerts/alert-sink.ts'
import { type Owner, ownerOf } from '../../alerts/alert.ts'
import { tenantOutside } from '../../alerts/outside.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { TenantAlertSinks, type TenantAlertSinksOptions } from './tenant-alert-sinks.ts'

export interface AlertSinksOptions extends Omit<TenantAlertSinksOptions, 'outside'> {
  /** How the outside is reached on a tenant's word. Default: the public internet alone. */
  readonly outside?: TenantAlertSinksOptions['outside']
  /** The platform's own, from its configuration. */
  readonly platform: readonly AlertSink[]
}

/** Opens where alerts are sent: the platform's by its configuration, tenants' by their own word. */
export async function openAlertSinks({ platform, ...options }: AlertSinksOptions) {
  const sinks = new TenantAlertSinks({ ...options, outside: options.outside ?? tenantOutside() })
  await sinks.reseal()
  return {
    sinks,
    /** Of one owner: nobody else's. */
    of: async (owner: Owner): Promise<readonly AlertSink[]> => {
      const tenant = tenantOf(owner)
      return tenant === undefined
        ? platform.filter((sink) => sink.owner === 'platform')
        : sinks.of(tenant)
    },
  }
}

function tenantOf(owner: Owner): TenantId | undefined {
  if (owner === 'platform') return undefined
  const tenant = parseTenantId(owner.slice('tenant/'.length))
  // What names no tenant in the way that we name them has no sinks, whatever it is.
  return ownerOf(tenant) === owner ? tenant : undefined
}
