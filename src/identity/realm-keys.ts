import type { JWK } from 'jose'
import { RingfenceError } from '../core/errors.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { ACCESS_TOKEN_SECONDS_MAX } from '../tokens/access-token.ts'
import { type PublicJwk, SIGNING_ALGORITHMS, SigningKey } from '../tokens/signing-key.ts'
import { CLOCK_TOLERANCE_SECONDS } from '../tokens/verify-token.ts'
import type { IdentityDatabase, Rows } from './identity-database.ts'
import { makeRealmKey } from './provider/realm-key.ts'
import { type RealmAlgorithm, REALM_ALGORITHMS } from './provider/realm-settings.ts'
import type { SealingKey } from './sealing-key.ts'
import { enterChange } from './entering.ts'

/** How long verifiers may keep a key set: what its answer says as max-age. */
export const JWKS_SECONDS = 300
/** From when the control plane was given a key to its first use. Longer than anybody keeps a key set. */
export const LEAD_SECONDS = 900
/** How long after its last use a key still verifies: until no token that it signed is valid. */
const AFTERLIFE_SECONDS = ACCESS_TOKEN_SECONDS_MAX + 2 * CLOCK_TOLERANCE_SECONDS + 60
const ROTATE_DAYS = 30
/** Of one algorithm. The configuration that gateways read has room for twelve keys of a realm. */
const KEYS_MAX = 4
const OPENED_MAX = 5_000

export interface RealmKeysOptions {
  /** Default `LEAD_SECONDS`. */
  readonly leadSeconds?: number
  /** Days after which a key is replaced. Default 30. */
  readonly rotateDays?: number
}

/** A key of a realm, opened. */
export interface RealmKey {
  readonly kid: string
  readonly alg: RealmAlgorithm
  /** Secret. */
  readonly privateJwk: JWK
  /** Signs now. One of each algorithm at most; the others are there to verify with. */
  readonly signs: boolean
  /** When it will, if its lead runs. */
  readonly usableFrom: Date | undefined
}

/** Something to do with the realm's other rows, in the same transaction. */
export type Together = (rows: Rows) => Promise<void>

/**
 * The signing keys of realms, of each algorithm that a realm's settings name. A key is published,
 * then given to the control plane, then used, then only verified with, then deleted. One that the
 * control plane was not given is never used, so that a rotation cannot outrun the gateways.
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

  /**
   * Makes the keys that are missing and retires those of algorithms that the realm does not have any
   * more, in the caller's transaction. The first keys of a realm are good at once: nobody knows it yet.
   */
  async fit(rows: Rows, tenant: TenantId, algorithms: readonly RealmAlgorithm[]): Promise<void> {
    const found = await rows.query<{ alg: RealmAlgorithm; retired: boolean }>(
      'select alg, retired_at is not null as retired from identity.signing_key where tenant = $1',
      [tenant],
    )
    for (const alg of algorithms) {
      if (found.some((key) => key.alg === alg && !key.retired)) continue
      await this.#make(rows, tenant, alg, found.length === 0 ? 'now()' : 'null')
    }
    await rows.query(
      `update identity.signing_key set retired_at = now()
       where tenant = $1 and retired_at is null and alg <> all ($2)`,
      [tenant, algorithms],
    )
  }

  /** All that verify, newest first; empty for a realm that there is not. */
  async published(tenant: TenantId): Promise<readonly JWK[]> {
    const rows = await this.#database.query<{ public_jwk: JWK }>(
      `select public_jwk from identity.signing_key where tenant = $1 order by made_at desc, kid`,
      [tenant],
    )
    return rows.map((row) => row.public_jwk)
  }

  /** Those by which the platform verifies access tokens. */
  async verifying(tenant: TenantId): Promise<readonly PublicJwk[]> {
    return (await this.published(tenant)).filter(isOurs)
  }

  /** The same, for the control plane: from now on the leads of the next ones run. */
  async handOver(tenant: TenantId): Promise<readonly PublicJwk[]> {
    await this.#database.query(
      `update identity.signing_key set usable_from = now() + make_interval(secs => $2)
       where tenant = $1 and usable_from is null`,
      [tenant, this.#leadSeconds],
    )
    return this.verifying(tenant)
  }

  /**
   * The key that signs access tokens now: of the first algorithm of the realm's settings that the
   * platform takes. @throws RingfenceError `not_found`
   */
  async signing(tenant: TenantId): Promise<SigningKey> {
    const [row] = await this.#database.query<{ kid: string; sealed: Buffer }>(
      `select k.kid, k.sealed from identity.signing_key k
         join identity.realm r on r.tenant = k.tenant
       where k.tenant = $1 and k.usable_from <= now() and k.retired_at is null and k.alg = any ($2)
       order by (select place from jsonb_array_elements_text(r.settings -> 'algorithms')
                   with ordinality named (alg, place) where named.alg = k.alg) nulls last,
         array_position($2, k.alg), k.usable_from desc, k.made_at desc
       limit 1`,
      [tenant, [...SIGNING_ALGORITHMS]],
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

  /** All keys of a realm, opened, the one that signs first among those of its algorithm. */
  async opened(tenant: TenantId): Promise<readonly RealmKey[]> {
    const rows = await this.#database.query<OpenedRow>(
      `select kid, alg, sealed, usable_from, retired_at is null and usable_from <= now() as usable
       from identity.signing_key where tenant = $1
       order by usable desc nulls last, usable_from desc, made_at desc`,
      [tenant],
    )
    const signing = new Map<RealmAlgorithm, string>()
    for (const { alg, kid, usable } of rows) {
      if (usable === true && !signing.has(alg)) signing.set(alg, kid)
    }
    return rows.map(({ kid, alg, sealed, usable_from }) => ({
      kid,
      alg,
      privateJwk: this.#sealing.open(tenant, kid, sealed),
      signs: signing.get(alg) === kid,
      usableFrom: usable_from ?? undefined,
    }))
  }

  /**
   * Publishes the next key of each algorithm, or of one, unless one of it waits already.
   * @throws RingfenceError `not_found`; `conflict` when too many old ones still verify
   */
  async rotate(tenant: TenantId, only?: RealmAlgorithm): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await deleteOutlived(rows)
      const keys = await rows.query<{ alg: RealmAlgorithm; waits: boolean; retired: boolean }>(
        `select alg, usable_from is null or usable_from > now() as waits,
           retired_at is not null as retired
         from identity.signing_key where tenant = $1`,
        [tenant],
      )
      for (const alg of REALM_ALGORITHMS.filter((alg) => only === undefined || alg === only)) {
        const same = keys.filter((key) => key.alg === alg)
        if (!same.some((key) => !key.retired) || same.some(({ waits }) => waits)) continue
        if (same.length >= KEYS_MAX) {
          throw new RingfenceError('conflict', 'keys of earlier rotations are still in use')
        }
        await this.#make(rows, tenant, alg, 'null')
      }
    })
  }

  /**
   * After a theft: new keys at once, and no others any more. Every token of the realm is void.
   * @throws RingfenceError `not_found`
   */
  async replaceAll(tenant: TenantId, together: Together): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      const gone = await rows.query<{ alg: RealmAlgorithm; retired: boolean }>(
        `delete from identity.signing_key where tenant = $1
         returning alg, retired_at is not null as retired`,
        [tenant],
      )
      const algorithms = new Set(gone.filter(({ retired }) => !retired).map(({ alg }) => alg))
      for (const alg of algorithms) await this.#make(rows, tenant, alg, 'now()')
      await enterChange(rows, tenant, 'keys.replaced', tenant)
      await together(rows)
    })
  }

  /** Rotates what is due and deletes what has outlived its tokens. Call it now and then. */
  async maintain(): Promise<void> {
    await this.#database.transaction(deleteOutlived)
    const due = await this.#database.query<{ tenant: string; alg: RealmAlgorithm }>(
      `select tenant, alg from identity.signing_key where retired_at is null group by tenant, alg
       having max(made_at) < now() - make_interval(days => $1)`,
      [this.#rotateDays],
    )
    for (const { tenant, alg } of due) await this.rotate(parseTenantId(tenant), alg)
  }

  async #make(
    rows: Rows,
    tenant: TenantId,
    alg: RealmAlgorithm,
    usableFrom: 'now()' | 'null',
  ): Promise<void> {
    const { publicJwk, privateJwk } = await makeRealmKey(alg)
    const { kid } = publicJwk
    await rows.query(
      `insert into identity.signing_key (kid, tenant, alg, public_jwk, sealed, usable_from)
       values ($1, $2, $3, $4, $5, ${usableFrom})`,
      [kid, tenant, alg, JSON.stringify(publicJwk), this.#sealing.seal(tenant, kid, privateJwk)],
    )
    await enterChange(rows, tenant, 'keys.made', kid, { algorithm: alg })
  }
}

interface OpenedRow {
  readonly kid: string
  readonly alg: RealmAlgorithm
  readonly sealed: Buffer
  readonly usable_from: Date | null
  readonly usable: boolean | null
}

function isOurs(jwk: JWK): jwk is PublicJwk {
  return SIGNING_ALGORITHMS.some((alg) => alg === jwk.alg)
}

/** Makes changes of one realm wait for each other. @throws RingfenceError `not_found` */
export async function lockRealm(rows: Rows, tenant: TenantId): Promise<void> {
  // Not `for update`: whoever enters a row that names the realm would wait, and could wait for ever.
  const found = await rows.query('select from identity.realm where tenant = $1 for no key update', [
    tenant,
  ])
  if (found.length === 0) throw new RingfenceError('not_found', 'there is no such realm')
}

async function deleteOutlived(rows: Rows): Promise<void> {
  await rows.query(
    `delete from identity.signing_key old using identity.signing_key newer
     where newer.tenant = old.tenant and newer.alg = old.alg and newer.usable_from > old.usable_from
       and newer.usable_from < now() - make_interval(secs => $1)`,
    [AFTERLIFE_SECONDS],
  )
  await rows.query(
    `delete from identity.signing_key where retired_at < now() - make_interval(secs => $1)`,
    [AFTERLIFE_SECONDS],
  )
}
