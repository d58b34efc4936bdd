import type { AlertSink } from '../../alerts/alert-sink.ts'
import { type Owner, ownerOf } from '../../alerts/alert.ts'
import type { AlertMail } from '../../alerts/mail-sink.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { MailAddresses } from './mail-addresses.ts'
import { TenantAlertSinks, type TenantAlertSinksOptions } from './tenant-alert-sinks.ts'

export interface AlertSinksOptions extends Omit<TenantAlertSinksOptions, 'mail'> {
  /** Whoever delivers mail. Absent: nobody is told by mail. */
  readonly mail: AlertMail | undefined
  /** The platform's own, from its configuration. */
  readonly platform: readonly AlertSink[]
}

/** Opens where alerts are sent: the platform's by its configuration, tenants' by their own word. */
export async function openAlertSinks({ platform, mail, ...options }: AlertSinksOptions) {
  const addresses = mail && new MailAddresses({ database: options.database, mail })
  const sinks = new TenantAlertSinks({ ...options, mail: addresses })
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
