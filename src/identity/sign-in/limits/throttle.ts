import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase } from '../../identity-database.ts'

/** How tries are counted: some are free, then each one makes the next wait twice as long. */
interface Rule {
  readonly free: number
  /** After the first that is not free. */
  readonly waitSeconds: number
  readonly waitSecondsMax: number
  /** Without a try for so long, nothing is counted any more. */
  readonly forgetSeconds: number
}

const MINUTE = 60
const HOUR = 60 * MINUTE

/** What is counted. */
export const RULES = {
  /** Passwords for one account from one network. */
  pair: { free: 5, waitSeconds: 1, waitSecondsMax: 15 * MINUTE, forgetSeconds: HOUR },
  /** Passwords for one account from one device that its owner has used. */
  device: { free: 10, waitSeconds: 1, waitSecondsMax: 15 * MINUTE, forgetSeconds: HOUR },
  /** Second factors of one account, by whoever has the first. */
  second: { free: 5, waitSeconds: 5, waitSecondsMax: 15 * MINUTE, forgetSeconds: 24 * HOUR },
  second_device: { free: 10, waitSeconds: 5, waitSecondsMax: 15 * MINUTE, forgetSeconds: HOUR },
  /** Passwords for one account from anywhere that is not known. */
  account: { free: 50, waitSeconds: 1, waitSecondsMax: 5 * MINUTE, forgetSeconds: HOUR },
  /** Mails to recover one account. */
  recovery: { free: 3, waitSeconds: 10 * MINUTE, waitSecondsMax: HOUR, forgetSeconds: HOUR },
  /** Requests for such mails from one network. */
  recovery_address: { free: 10, waitSeconds: MINUTE, waitSecondsMax: HOUR, forgetSeconds: HOUR },
  /** Tries for any account from one network. */
  address: { free: 60, waitSeconds: 1, waitSecondsMax: 15 * MINUTE, forgetSeconds: HOUR },
  /** Mails that a user asks for to its own address. */
  verification: { free: 3, waitSeconds: MINUTE, waitSecondsMax: HOUR, forgetSeconds: HOUR },
  /** Requests to recover any account of the realm. */
  recovery_realm: { free: 500, waitSeconds: 1, waitSecondsMax: 10, forgetSeconds: HOUR },
  /** Tries for any account of the realm from anywhere that is not known. */
  realm: { free: 2_000, waitSeconds: 1, waitSecondsMax: 2, forgetSeconds: 5 * MINUTE },
} as const satisfies Readonly<Record<string, Rule>>

export type Kind = keyof typeof RULES

/** Something that is counted, in one realm. */
export interface Bucket {
  readonly kind: Kind
  /** Which one, at most 50 characters. */
  readonly of: string
}

const nameOf = ({ kind, of }: Bucket) => `${kind}:${of}`
const KINDS = Object.keys(RULES) as Kind[]

/** From a bucket's name, a number of its rule. All of it is ours. */
const byRule = (value: (rule: Rule) => number) =>
  `case split_part(t.bucket, ':', 1) ${KINDS.map(
    (kind) => `when '${kind}' then ${value(RULES[kind])}`,
  ).join(' ')} end`

/** Enough to reach any wait; more would overflow. */
const DOUBLINGS_MAX = 20
const WAIT = `case when t.count + 1 <= ${byRule(({ free }) => free)} then 0
  else least(${byRule(({ waitSecondsMax }) => waitSecondsMax)},
    ${byRule(({ waitSeconds }) => waitSeconds)}
      * 2 ^ least(${DOUBLINGS_MAX}, t.count - ${byRule(({ free }) => free)})) end`
const FORGET = `make_interval(secs => ${byRule(({ forgetSeconds }) => forgetSeconds)})`

const TAKE = `
  insert into identity.throttle as t (tenant, bucket, count, open_at, forgotten_at)
  select $1, bucket, 1, now(),
    now() + make_interval(secs => seconds) from unnest($2::text[], $3::int[]) as w (bucket, seconds)
  on conflict (tenant, bucket) do update set
    count = case when t.forgotten_at <= now() then 1 else t.count + 1 end,
    open_at = case when t.forgotten_at <= now() then now()
      else now() + make_interval(secs => ${WAIT}) end,
    forgotten_at = now() + ${FORGET}
  where t.open_at <= now() or t.forgotten_at <= now()
  returning t.bucket`

/**
 * Counts tries of all processes together. A try is counted before it is made, so that many at once
 * are as many as one after the other; a good one is taken back. Every key begins with the realm:
 * what is done at one realm makes nobody wait at another.
 */
export class Throttle {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  /**
   * Counts a try in all buckets, or in none of them when one is closed.
   * @returns 0, or the seconds to wait
   */
  async take(tenant: TenantId, buckets: readonly Bucket[]): Promise<number> {
    // Rows are locked in one order everywhere; the realm's, which all share, comes late in it.
    const sorted = buckets.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    const names = sorted.map(nameOf)
    return this.#database.transaction(async (rows) => {
      await rows.query('savepoint before')
      const taken = await rows.query(TAKE, [
        tenant,
        names,
        sorted.map(({ kind }) => RULES[kind].forgetSeconds),
      ])
      if (taken.length === names.length) return 0
      await rows.query('rollback to savepoint before')
      const [row] = await rows.query<{ seconds: number | null }>(
        `select ceil(max(extract(epoch from open_at - now())))::int as seconds
         from identity.throttle where tenant = $1 and bucket = any ($2)`,
        [tenant, names],
      )
      return Math.max(1, row?.seconds ?? 1)
    })
  }

  /** Takes back one try in each: it was good, or was not made after all. */
  async giveBack(tenant: TenantId, buckets: readonly Bucket[]): Promise<void> {
    await this.#database.query(
      `update identity.throttle set count = greatest(0, count - 1), open_at = now()
       where tenant = $1 and (tenant, bucket) in (
         select tenant, bucket from identity.throttle
         where tenant = $1 and bucket = any ($2) order by bucket collate "C" for update)`,
      [tenant, buckets.map(nameOf)],
    )
  }

  /** Counts nothing any more: its owner came. */
  async forget(tenant: TenantId, buckets: readonly Bucket[]): Promise<void> {
    await this.#database.query(
      'delete from identity.throttle where tenant = $1 and bucket = any ($2)',
      [tenant, buckets.map(nameOf)],
    )
  }

  /** Call it now and then. */
  async sweep(): Promise<void> {
    await this.#database.query('delete from identity.throttle where forgotten_at <= now()')
  }
}
