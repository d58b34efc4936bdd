import { RingfenceError } from '../core/errors.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { ACCESS_TOKEN_SECONDS_MAX } from '../tokens/access-token.ts'
import { type PublicJwk, SigningKey } from '../tokens/signing-key.ts'
import { CLOCK_TOLERANCE_SECONDS } from '../tokens/verify-token.ts'
import type { IdentityDatabase, Rows } from './identity-database.ts'
import type { SealingKey } from './sealing-key.ts'

/** How long verifiers may keep a key set: what its answer says as max-age. */
export const JWKS_SECONDS = 300
/** From when the control plane was given a key to its first use. Longer than anybody keeps a key set. */
export const LEAD_SECONDS = 900
/** How long after its last use a key still verifies: until no token that it signed is valid. */
const AFTERLIFE_SECONDS = ACCESS_TOKEN_SECONDS_MAX + 2 * CLOCK_TOLERANCE_SECONDS + 60
const ROTATE_DAYS = 30
/** The configuration that gateways read has room for five keys of a realm. */
const KEYS_MAX = 4
const OPENED_MAX = 5_000

export interface RealmKeysOptions {
  /** Default `LEAD_SECONDS`. */
  readonly leadSeconds?: number
  /** Days after which a key is replaced. Default 30. */
  readonly rotateDays?: number
}

/**
 * The signing keys of realms. A key is published, then given to the control plane, then used, then
 * only verified with, then deleted. One that the control plane was not given is never used, so that
 * a rotation cannot outrun the gateways.
 */
export class RealmKeys {
  readonly #database: IdentityDatabase
  readonly #sealing: SealingKey
  readonly #leadSeconds: number
  readonly #rotateDays: number
  readonly #opened = new Map<string, SigningKey>()

  constructor(database: IdentityDatabase, sealing: SealingKey, options: RealmKeysOptions = {}) {
    this.#database = database
    this.#sealing = sealing
    this.#leadSeconds = options.leadSeconds ?? LEAD_SECONDS
    this.#rotateDays = options.rotateDays ?? ROTATE_DAYS
  }

  /** Makes the first key, good at once: nobody knows the realm yet. In the caller's transaction. */
  async makeFirst(rows: Rows, tenant: TenantId): Promise<void> {
    const found = await rows.query('select from identity.signing_key where tenant = $1', [tenant])
    if (found.length === 0) await this.#make(rows, tenant, 'now()')
  }

  /** All that verify, newest first; empty for a realm that there is not. */
  async published(tenant: TenantId): Promise<readonly PublicJwk[]> {
    const rows = await this.#database.query<{ public_jwk: PublicJwk }>(
      `select public_jwk from identity.signing_key where tenant = $1 order by made_at desc, kid`,
      [tenant],
    )
    return rows.map((row) => row.public_jwk)
  }

  /** The same, for the control plane: from now on the next one's lead runs. */
  async handOver(tenant: TenantId): Promise<readonly PublicJwk[]> {
    await this.#database.query(
      `update identity.signing_key set usable_from = now() + make_interval(secs => $2)
       where tenant = $1 and usable_from is null`,
      [tenant, this.#leadSeconds],
    )
    return this.published(tenant)
  }

  /** The key that signs now. @throws RingfenceError `not_found` */
  async signing(tenant: TenantId): Promise<SigningKey> {
    const [row] = await this.#database.query<{ kid: string; sealed: Buffer }>(
      `select kid, sealed from identity.signing_key where tenant = $1 and usable_from <= now()
       order by usable_from desc, made_at desc limit 1`,
      [tenant],
    )
    if (row === undefined) throw new RingfenceError('not_found', 'there is no such realm')
    // With the realm: a row that was moved to another one must not find the key open already.
    const id = `${tenant}/${row.kid}`
    const known = this.#opened.get(id)
    if (known !== undefined) return known
    const key = await SigningKey.fromJwk(this.#sealing.open(tenant, row.kid, row.sealed))
    if (this.#opened.size >= OPENED_MAX) this.#opened.clear()
    this.#opened.set(id, key)
    return key
  }

  /**
   * Publishes the next key, unless one waits already.
   * @throws RingfenceError `not_found`; `conflict` when too many old ones still verify
   */
  async rotate(tenant: TenantId): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await deleteOutlived(rows)
      const keys = await rows.query<{ waits: boolean }>(
        `select usable_from is null or usable_from > now() as waits
         from identity.signing_key where tenant = $1`,
        [tenant],
      )
      if (keys.some(({ waits }) => waits)) return
      if (keys.length >= KEYS_MAX) {
        throw new RingfenceError('conflict', 'keys of earlier rotations are still in use')
      }
      await this.#make(rows, tenant, 'null')
    })
  }

  /** After a theft: a new key at once, and no other any more. Every token of the realm is void. */
  async replaceAll(tenant: TenantId): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await rows.query('delete from identity.signing_key where tenant = $1', [tenant])
      await this.#make(rows, tenant, 'now()')
    })
  }

  /** Rotates what is due and deletes what has outlived its tokens. Call it now and then. */
  async maintain(): Promise<void> {
    await this.#database.transaction(deleteOutlived)
    const due = await this.#database.query<{ tenant: string }>(
      `select tenant from identity.signing_key group by tenant
       having max(made_at) < now() - make_interval(days => $1)`,
      [this.#rotateDays],
    )
    for (const { tenant } of due) await this.rotate(parseTenantId(tenant))
  }

  async #make(rows: Rows, tenant: TenantId, usableFrom: 'now()' | 'null'): Promise<void> {
    const key = await SigningKey.create('ES256')
    const { kid } = key.publicJwk
    await rows.query(
      `insert into identity.signing_key (kid, tenant, public_jwk, sealed, usable_from)
       values ($1, $2, $3, $4, ${usableFrom})`,
      [kid, tenant, JSON.stringify(key.publicJwk), this.#sealing.seal(tenant, kid, key.privateJwk)],
    )
  }
}

/** Makes changes of one realm wait for each other. @throws RingfenceError `not_found` */
export async function lockRealm(rows: Rows, tenant: TenantId): Promise<void> {
  const found = await rows.query('select from identity.realm where tenant = $1 for update', [
    tenant,
  ])
  if (found.length === 0) throw new RingfenceError('not_found', 'there is no such realm')
}

async function deleteOutlived(rows: Rows): Promise<void> {
  await rows.query(
    `delete from identity.signing_key old using identity.signing_key newer
     where newer.tenant = old.tenant and newer.usable_from > old.usable_from
       and newer.usable_from < now() - make_interval(secs => $1)`,
    [AFTERLIFE_SECONDS],
  )
}
