import { randomBytes } from 'node:crypto'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import { sha256 } from '../secret-hash.ts'

const DEVICE = /^rfd_[A-Za-z0-9_-]{43}$/
const DEVICE_BYTES = 32
const DAYS = 365
/** Per account; the one that is forgotten is the one that was not used for longest. */
const DEVICES_MAX = 20

/**
 * Browsers in which a user has signed in before (OWASP: device cookies). Whoever has one is counted
 * apart from the rest of the world, so that strangers' guesses do not lock its owner out. It proves
 * nothing else.
 */
export class KnownDevices {
  /** One query, also without a device or a subject. */
  async knows(
    rows: Rows,
    tenant: TenantId,
    subject: Subject | undefined,
    device: string | undefined,
  ): Promise<boolean> {
    const found = await rows.query(
      `select from identity.known_device
       where tenant = $1 and sha256 = $2 and subject = $3 and expires_at > now()`,
      [tenant, sha256(wellFormed(device) ?? ''), subject ?? ''],
    )
    return found.length > 0
  }

  /**
   * Knows the device from now on, under a new name: one that somebody else put into the browser gets
   * them nothing. Other users of the same device stay known on it.
   * @returns the new name, for the cookie
   */
  async remember(
    rows: Rows,
    tenant: TenantId,
    subject: Subject,
    device: string | undefined,
  ): Promise<string> {
    const name = `rfd_${randomBytes(DEVICE_BYTES).toString('base64url')}`
    const before = wellFormed(device)
    if (before !== undefined) {
      await rows.query(
        `update identity.known_device set sha256 = $3
         where tenant = $1 and sha256 = $2 and expires_at > now()`,
        [tenant, sha256(before), sha256(name)],
      )
    }
    await rows.query(
      `insert into identity.known_device (tenant, sha256, subject, expires_at)
       values ($1, $2, $3, now() + make_interval(days => ${DAYS}))
       on conflict (tenant, sha256, subject) do update set expires_at = excluded.expires_at`,
      [tenant, sha256(name), subject],
    )
    await rows.query(
      `delete from identity.known_device where tenant = $1 and subject = $2 and sha256 not in
         (select sha256 from identity.known_device where tenant = $1 and subject = $2
          order by expires_at desc limit ${DEVICES_MAX})`,
      [tenant, subject],
    )
    return name
  }
}

const wellFormed = (device: string | undefined) =>
  device !== undefined && DEVICE.test(device) ? device : undefined
