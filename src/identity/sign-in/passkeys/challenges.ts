import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import { sha256 } from '../secret-hash.ts'

const SECONDS = 300
/** A page that is loaded again asks anew; earlier ones of its holder are forgotten. */
const OF_HOLDER_MAX = 5

export type ChallengePurpose = 'register' | 'sign_in'

/** Challenges of passkey ceremonies: whom one was made for may answer it, once, in five minutes. */
export class Challenges {
  async keep(
    rows: Rows,
    tenant: TenantId,
    holder: string,
    purpose: ChallengePurpose,
    challenge: string,
  ): Promise<void> {
    await rows.query(
      `insert into identity.passkey_challenge (tenant, sha256, holder, purpose, expires_at)
       values ($1, $2, $3, $4, now() + make_interval(secs => ${SECONDS}))`,
      [tenant, sha256(challenge), holder, purpose],
    )
    await rows.query(
      `delete from identity.passkey_challenge where tenant = $1 and holder = $2 and sha256 not in
         (select sha256 from identity.passkey_challenge where tenant = $1 and holder = $2
          order by expires_at desc limit ${OF_HOLDER_MAX})`,
      [tenant, holder],
    )
  }

  /** True once, for whom it was made. */
  async take(
    rows: Rows,
    tenant: TenantId,
    holder: string,
    purpose: ChallengePurpose,
    challenge: string,
  ): Promise<boolean> {
    const taken = await rows.query(
      `delete from identity.passkey_challenge
       where tenant = $1 and sha256 = $2 and holder = $3 and purpose = $4 and expires_at > now()
       returning holder`,
      [tenant, sha256(challenge), holder, purpose],
    )
    return taken.length > 0
  }
}
