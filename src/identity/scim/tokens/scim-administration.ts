import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../../identity-database.ts'
import { lockRealm } from '../../realm-keys.ts'
import { tokenHash } from './token-hash.ts'
import { isPlainText } from '../schema/plain-text.ts'
import { enterChange } from '../../entering.ts'

const DAY = 24 * 3_600
const LIFE_DAYS_MAX = 366
const LIFE_DAYS = 180
/** How long the token before goes on working while the new one is carried to where it is used. */
const OVERLAP_SECONDS_MAX = 7 * DAY
const OVERLAP_SECONDS = DAY
const TOKENS_MAX = 20
const SECRET_BYTES = 32
const ID_BYTES = 9
/** How long a token that has ended is still listed. */
const REMEMBER_DAYS = 30

const COLUMNS = 'id, name, emails_verified, made_at, expires_at, last_used_at'

export const newScimToken = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(100)
    .refine((name) => isPlainText(name) && name.trim() !== '', 'a name without control characters'),
  days: z.int().min(1).max(LIFE_DAYS_MAX).default(LIFE_DAYS),
  /** Whether the source is known to hold addresses only of those to whom they belong. */
  emailsVerified: z.boolean().default(false),
})
export type NewScimToken = z.input<typeof newScimToken>

export interface ScimToken {
  readonly id: string
  readonly name: string
  readonly emailsVerified: boolean
  readonly madeAt: Date
  readonly expiresAt: Date
  /** To the minute; undefined: never. */
  readonly lastUsedAt: Date | undefined
}

/** `secret` is told this once. */
export type MadeScimToken = ScimToken & { readonly secret: string }

/** The tokens for provisioning of realms. Every call names the realm, and sees nothing of another. */
export class ScimAdministration {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  /**
   * With a random id unless one is given.
   * @throws RingfenceError `not_found` (the realm), `invalid_argument`, `conflict` (too many)
   */
  async create(tenant: TenantId, token: NewScimToken, id?: string): Promise<MadeScimToken> {
    const read = newScimToken.safeParse(token)
    if (!read.success) {
      const issue = read.error.issues[0]
      throw new RingfenceError('invalid_argument', `${issue?.path.join('.')}: ${issue?.message}`)
    }
    const { name, days, emailsVerified } = read.data
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      const made = await insert(rows, tenant, { name, emailsVerified, seconds: days * DAY }, id)
      await enterChange(rows, tenant, 'scim-token.created', made.id, { days })
      return made
    })
  }

  /** The newest first; those that have ended as well, for 30 days. */
  async list(tenant: TenantId): Promise<readonly ScimToken[]> {
    const found = await this.#database.query<TokenRow>(
      `select ${COLUMNS} from identity.scim_token where tenant = $1 order by made_at desc, id`,
      [tenant],
    )
    return found.map(tokenOf)
  }

  /**
   * Makes a token in the place of another: same name, same length of life. The one before works for
   * `overlapSeconds` more (default a day, 7 days at most), if it would have worked so long.
   * @throws RingfenceError `not_found`, `invalid_argument`, `conflict` (too many)
   */
  async rotate(
    tenant: TenantId,
    id: string,
    overlapSeconds: number = OVERLAP_SECONDS,
  ): Promise<MadeScimToken> {
    if (!(overlapSeconds >= 0 && overlapSeconds <= OVERLAP_SECONDS_MAX)) {
      throw new RingfenceError('invalid_argument', 'tokens overlap for 0 seconds to 7 days')
    }
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      const [before] = await rows.query<TokenRow & { readonly seconds: number }>(
        `update identity.scim_token t
         set expires_at = least(t.expires_at, now() + make_interval(secs => $3))
         from identity.scim_token old
         where t.tenant = $1 and t.id = $2 and t.expires_at > now()
           and old.tenant = t.tenant and old.id = t.id
         returning t.name, t.emails_verified,
           extract(epoch from old.expires_at - old.made_at)::float8 as seconds`,
        [tenant, id, overlapSeconds],
      )
      if (before === undefined) throw absent()
      const { name, emails_verified: emailsVerified, seconds } = before
      const made = await insert(rows, tenant, { name, emailsVerified, seconds })
      await enterChange(rows, tenant, 'scim-token.rotated', id, { to: made.id })
      return made
    })
  }

  /** It opens nothing any more when this returns. @throws RingfenceError `not_found` */
  async revoke(tenant: TenantId, id: string): Promise<void> {
    await this.#database.transaction(async (rows) => {
      const found = await rows.query(
        'delete from identity.scim_token where tenant = $1 and id = $2 returning id',
        [tenant, id],
      )
      if (found.length === 0) throw absent()
      await enterChange(rows, tenant, 'scim-token.revoked', id)
    })
  }

  /** Forgets tokens that ended long ago. Call it now and then. */
  async forgetExpired(): Promise<void> {
    await this.#database.query(
      'delete from identity.scim_token where expires_at < now() - make_interval(days => $1)',
      [REMEMBER_DAYS],
    )
  }
}

interface TokenRow {
  readonly id: string
  readonly name: string
  readonly emails_verified: boolean
  readonly made_at: Date
  readonly expires_at: Date
  readonly last_used_at: Date | null
}

async function insert(
  rows: Rows,
  tenant: TenantId,
  token: { readonly name: string; readonly emailsVerified: boolean; readonly seconds: number },
  id = randomBytes(ID_BYTES).toString('base64url'),
): Promise<MadeScimToken> {
  const [counted] = await rows.query<{ n: number }>(
    'select count(*)::int as n from identity.scim_token where tenant = $1 and expires_at > now()',
    [tenant],
  )
  if ((counted?.n ?? 0) >= TOKENS_MAX) {
    throw new RingfenceError(
      'conflict',
      `a realm has at most ${TOKENS_MAX} tokens for provisioning`,
    )
  }
  const secret = `rfs_${randomBytes(SECRET_BYTES).toString('base64url')}`
  const [row] = await rows.query<TokenRow>(
    `insert into identity.scim_token (tenant, id, name, sha256, emails_verified, expires_at)
     values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) returning ${COLUMNS}`,
    [tenant, id, token.name, tokenHash(secret), token.emailsVerified, token.seconds],
  )
  if (row === undefined) throw absent()
  return { ...tokenOf(row), secret }
}

function tokenOf(row: TokenRow): ScimToken {
  return {
    id: row.id,
    name: row.name,
    emailsVerified: row.emails_verified,
    madeAt: row.made_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at ?? undefined,
  }
}

function absent(): RingfenceError {
  return new RingfenceError('not_found', 'there is no such token')
}
