import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import type { Owner } from '../../alerts/alert.ts'
import type { AlertMail } from '../../alerts/mail-sink.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { PooledDatabase, Queries, Tx } from '../../database/pooled-database.ts'

/** Without those that are taken for one another: 50 bits. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const CODE_LENGTH = 10
const TRIES = 5
/** A code is good for so long, and so long is counted back. */
const DAY = `interval '24 hours'`
/** Of one address, by one owner, in a day. */
const CODES_OF_ADDRESS = 3
/** Of one owner in a day, whatever addresses. */
const CODES_OF_OWNER = 20
/** Whoever sets a sink again is not asked again at once. */
const AGAIN = `interval '10 minutes'`
/** Of one owner in a day, to all addresses together. */
const MAILS_OF_OWNER = 500

export interface MailAddressesOptions {
  readonly database: Pick<PooledDatabase, 'query' | 'transaction'>
  readonly mail: AlertMail
}

/** A code on its way to its address. */
export interface AskedAddress {
  readonly id: string
  readonly address: string
  readonly code: string
}

/**
 * Who has agreed to be mailed by a tenant. To an address that has not, nothing goes but a code, which the
 * tenant's administrators must be given by whoever reads that mail; and what goes is counted.
 */
export class MailAddresses implements AlertMail {
  readonly #options: MailAddressesOptions

  constructor(options: MailAddressesOptions) {
    this.#options = options
  }

  /**
   * Enters codes for those of the addresses that have not agreed, in the transaction of a sink that names
   * them. Writers of one owner come one after the other.
   * @throws RingfenceError `rate_limited`
   */
  async ask(tx: Tx, owner: Owner, addresses: readonly string[]): Promise<readonly AskedAddress[]> {
    await tx.query(`delete from alerts.mail_code where owner = $1 and asked_at < now() - ${DAY}`, [
      owner,
    ])
    const asked: AskedAddress[] = []
    for (const address of new Set(addresses)) {
      const [known] = await tx.query<{ of_address: number; of_owner: number; skip: boolean }>(
        `select count(*) filter (where address = $2)::int as of_address, count(*)::int as of_owner,
           exists (select from alerts.mail_address where owner = $1 and address = $2)
             or coalesce(bool_or(address = $2 and tries_left > 0 and asked_at > now() - ${AGAIN}),
               false) as skip
         from alerts.mail_code where owner = $1`,
        [owner, address],
      )
      if (known === undefined || known.skip) continue
      if (known.of_address >= CODES_OF_ADDRESS || known.of_owner >= CODES_OF_OWNER) {
        throw new RingfenceError('rate_limited', 'too many codes were mailed today: come tomorrow')
      }
      const code = newCode()
      const [row] = await tx.query<{ id: string }>(
        `insert into alerts.mail_code (owner, address, code, tries_left)
         values ($1, $2, $3, $4) returning id`,
        [owner, address, hashOf(code), TRIES],
      )
      if (row !== undefined) asked.push({ id: row.id, address, code })
    }
    return asked
  }

  /**
   * Mails codes, once they are entered. One that was not mailed is as if it had not been asked for.
   * @throws RingfenceError `engine_unavailable`, `timed_out`, `invalid_argument`
   */
  async tell(owner: Owner, asked: readonly AskedAddress[]): Promise<void> {
    const failed: unknown[] = []
    for (const one of asked) {
      await this.#options.mail
        .send({ id: one.id, owner, to: [one.address], ...letterOf(owner, one.code) })
        .catch(async (error: unknown) => {
          failed.push(error)
          await this.#options.database.query(
            'delete from alerts.mail_code where owner = $1 and id = $2',
            [owner, one.id],
          )
        })
    }
    if (failed.length > 0) throw failed[0]
  }

  /**
   * Whether a code is one that was mailed to the address. A wrong one is a try less of each that there is,
   * whatever the caller's transaction comes to.
   */
  async isCode(owner: Owner, address: string, code: string): Promise<boolean> {
    const codes = await this.#options.database.query<{ code: Buffer }>(
      `update alerts.mail_code set tries_left = tries_left - 1
       where owner = $1 and address = $2 and tries_left > 0
         and asked_at > clock_timestamp() - ${DAY}
       returning code`,
      [owner, address],
    )
    const given = hashOf(code)
    return codes.filter((one) => timingSafeEqual(one.code, given)).length > 0
  }

  /** In the transaction of the act. No code of the address is good any more. */
  async agreed(tx: Tx, owner: Owner, address: string, by: string): Promise<void> {
    await tx.query(
      `insert into alerts.mail_address (owner, address, told_by) values ($1, $2, $3)
       on conflict do nothing`,
      [owner, address, by],
    )
    await tx.query('update alerts.mail_code set tries_left = 0 where owner = $1 and address = $2', [
      owner,
      address,
    ])
  }

  /**
   * To those who have agreed, and to nobody else.
   * @throws RingfenceError `engine_unavailable` while nobody has; `overloaded` when enough went in a day
   */
  async send(mail: Parameters<AlertMail['send']>[0]): Promise<void> {
    const { database, mail: plain } = this.#options
    const agreed = await agreedOf(database, mail.owner)
    const to = mail.to.filter((address) => agreed.has(address))
    if (to.length === 0) {
      throw new RingfenceError('engine_unavailable', 'no address of this sink is confirmed')
    }
    await this.#count(mail.owner, to.length)
    try {
      await plain.send({ ...mail, to })
    } catch (error) {
      await this.#count(mail.owner, -to.length)
      throw error
    }
  }

  /** @throws RingfenceError `overloaded` */
  async #count(owner: Owner, mails: number): Promise<void> {
    const { database } = this.#options
    const counted = await database.query(
      `insert into alerts.mail_day (owner, day, mails)
         values ($1, (now() at time zone 'utc')::date, greatest($2, 0))
       on conflict (owner, day) do update set mails = greatest(mail_day.mails + $2, 0)
         where mail_day.mails + $2 <= $3
       returning mails`,
      [owner, mails, MAILS_OF_OWNER],
    )
    if (counted.length === 0) {
      throw new RingfenceError('overloaded', 'too much mail of this owner went today')
    }
    await database.query(
      `delete from alerts.mail_day where owner = $1 and day < (now() at time zone 'utc')::date`,
      [owner],
    )
  }
}

/** The addresses that have agreed to be told by an owner. */
export async function agreedOf(database: Queries, owner: Owner): Promise<ReadonlySet<string>> {
  const rows = await database.query<{ address: string }>(
    'select address from alerts.mail_address where owner = $1',
    [owner],
  )
  return new Set(rows.map(({ address }) => address))
}

/** Whoever is in no sink any more must agree anew. */
export async function forgetUnnamed(tx: Tx, owner: Owner): Promise<void> {
  await tx.query(
    `delete from alerts.mail_address a where a.owner = $1 and not exists (
       select from alerts.sink s
       where s.owner = a.owner and coalesce(s.settings -> 'to', '[]') ? a.address)`,
    [owner],
  )
}

/** Of a tenant that is no more. */
export async function forgetAddresses(tx: Tx, owner: Owner): Promise<void> {
  for (const table of ['mail_address', 'mail_code', 'mail_day']) {
    await tx.query(`delete from alerts.${table} where owner = $1`, [owner])
  }
}

function newCode(): string {
  return Array.from({ length: CODE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

function hashOf(code: string): Buffer {
  return createHash('sha256').update(code.trim().toUpperCase()).digest()
}

/** Nothing in it is a tenant's own words but its id. */
function letterOf(owner: Owner, code: string): { readonly subject: string; readonly text: string } {
  return {
    subject: 'May alerts be mailed to you?',
    text: [
      `An administrator of ${owner} wants alerts to be mailed to this address.`,
      '',
      'If you agree, give them this code:',
      '',
      `  ${code}`,
      '',
      'It is good for 24 hours. If you do not, do nothing: no alert is sent here then.',
      '',
    ].join('\n'),
  }
}
