import type { AskRealm, RealmOperationName } from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Attempt } from '../attempt.ts'
import type { Database } from '../database.ts'
import type { Pass } from '../operators/four-eyes.ts'
import { actDigest, type GuardedAct } from '../operators/guarded-acts.ts'

/** What one person may do for a tenant that has no user. */
export interface FirstUserPass extends Pass {
  /** What became of it. */
  ended(how: { readonly made: string } | 'refused' | 'unknown'): Promise<void>
}

/**
 * A tenant begins with nobody in it, who holds nothing yet: one person may enter the first user of its
 * realm, and have that one invited, each once in the tenant's life. It gets no role by this.
 */
export class FirstUser {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Undefined: it is as guarded as of any other user. */
  async pass(
    name: RealmOperationName,
    tenant: TenantId,
    input: Readonly<Record<string, unknown>>,
    act: GuardedAct,
    attempt: Attempt,
    ask: AskRealm,
  ): Promise<FirstUserPass | undefined> {
    if (name === 'createUser') return this.#entering(tenant, actDigest(act), attempt, ask)
    if (name === 'inviteUser') return this.#inviting(tenant, String(input['user']), attempt)
    return undefined
  }

  async #entering(
    tenant: TenantId,
    digest: Buffer,
    { key, repeated }: Attempt,
    ask: AskRealm,
  ): Promise<FirstUserPass | undefined> {
    const [row] = await this.#database.query<FirstUserRow>(
      'select attempt, digest, subject from registry.first_user where tenant = $1',
      [tenant],
    )
    const ended = (how: Parameters<FirstUserPass['ended']>[0]) => this.#ended(tenant, how)
    if (row !== undefined) {
      const own = repeated && row.attempt === key && row.digest.equals(digest)
      if (!own || row.subject !== null) return undefined
      return { approval: undefined, use: () => Promise.resolve(), ended }
    }
    const { items } = await ask('listUsers', tenant, { limit: 1 })
    if (items.length > 0) return undefined
    return {
      approval: undefined,
      async use(tx) {
        const taken = await tx.query(
          `insert into registry.first_user (tenant, attempt, digest) values ($1, $2, $3)
             on conflict do nothing returning tenant`,
          [tenant, key ?? null, digest],
        )
        if (taken.length === 0) throw meanwhile()
      },
      ended,
    }
  }

  async #inviting(
    tenant: TenantId,
    subject: string,
    { key, repeated }: Attempt,
  ): Promise<FirstUserPass | undefined> {
    const [row] = await this.#database.query(
      `select from registry.first_user where tenant = $1 and subject = $2
          and (not invited or ($3 and invited_for = $4))`,
      [tenant, subject, repeated, key ?? null],
    )
    if (row === undefined) return undefined
    return {
      approval: undefined,
      async use(tx) {
        const taken = await tx.query(
          `update registry.first_user set invited = true, invited_for = $3
            where tenant = $1 and subject = $2
              and (not invited or ($4 and invited_for = $3)) returning tenant`,
          [tenant, subject, key ?? null, repeated],
        )
        if (taken.length === 0) throw meanwhile()
      },
      ended: () => Promise.resolve(),
    }
  }

  async #ended(tenant: TenantId, how: Parameters<FirstUserPass['ended']>[0]): Promise<void> {
    if (how === 'unknown') return
    await (how === 'refused'
      ? this.#database.query(
          'delete from registry.first_user where tenant = $1 and subject is null',
          [tenant],
        )
      : this.#database.query(
          'update registry.first_user set subject = $2, attempt = null where tenant = $1',
          [tenant, how.made],
        ))
  }
}

interface FirstUserRow {
  readonly attempt: string | null
  readonly digest: Buffer
  readonly subject: string | null
}

function meanwhile(): RingfenceError {
  return new RingfenceError('conflict', 'the first user was entered or invited meanwhile')
}
