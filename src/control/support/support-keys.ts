import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { supportSubject } from '../../core/support-terms.ts'
import { ACCESS_TOKEN_SECONDS } from '../../tokens/access-token.ts'
import type { SigningKey } from '../../tokens/signing-key.ts'
import { signContext } from '../../tokens/tenant-context.ts'
import type { About } from '../act-entries.ts'
import { recordAct, requireScope } from '../act.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import { isSamePerson } from '../operators/operators-realm.ts'
import type { SupportDesk } from './support-desk.ts'
import { lockSupport, type SupportRow } from './support-row.ts'
import { SUPPORT_SERVICE } from './support-service.ts'
import type { SupportKey } from './support.ts'

const CONTEXT_SECONDS = 900
const CONTEXT_SECONDS_MAX = 3_600

const leftSchema = z.object({ seconds: z.number(), now: z.date() })

/** What an active access gives, to whoever asked for it. Nothing of it outlives the access. */
export class SupportKeys {
  readonly #database: Database
  readonly #key: SigningKey
  readonly #desk: SupportDesk | undefined

  /** @param key signs job contexts; @param desk the identity plane, when there is one to ask */
  constructor(database: Database, key: SigningKey, desk: SupportDesk | undefined) {
    this.#database = database
    this.#key = key
    this.#desk = desk
  }

  context(id: string, asked: number | undefined, by: Actor): Promise<SupportKey> {
    const wanted = asked ?? CONTEXT_SECONDS
    if (!(Number.isInteger(wanted) && wanted >= 1 && wanted <= CONTEXT_SECONDS_MAX)) {
      throw new RingfenceError(
        'invalid_argument',
        `a context lives 1 to ${CONTEXT_SECONDS_MAX} seconds`,
      )
    }
    return this.#database.transaction(async (tx) => {
      const { row, left } = await expectActive(tx, id, by)
      const seconds = Math.min(wanted, left.seconds)
      const expiresAt = endOf(left.now, seconds)
      const token = await signContext(
        this.#key,
        {
          kind: 'job',
          tenant: row.tenant,
          service: SUPPORT_SERVICE,
          subject: parseSubject(supportSubject(row)),
          scopes: [row.scope],
          roles: [],
          requestId: by.requestId,
          // Taken back as a whole with the access.
          session: row.id,
        },
        seconds,
      )
      // No context leaves that is not in the record.
      await tx.query(
        `insert into registry.job_issue
           (job, service, tenant, scopes, expires_at, reason, by, request_id)
         values ('support', $1, $2, $3, $4, $5, $6, $7)`,
        [SUPPORT_SERVICE, row.tenant, [row.scope], expiresAt, row.reason, by.name, by.requestId],
      )
      await recordAct(
        tx,
        by,
        'support.context',
        row.id,
        { tenant: row.tenant, seconds },
        shown(row),
      )
      return { tenant: row.tenant, token, expiresAt }
    })
  }

  async token(id: string, by: Actor): Promise<SupportKey> {
    const desk = this.#desk
    if (desk === undefined) {
      throw new RingfenceError('engine_unavailable', 'no identity plane is connected')
    }
    const { tenant, seconds } = await this.#database.transaction(async (tx) => {
      const { row, left } = await expectActive(tx, id, by)
      await recordAct(tx, by, 'support.token', row.id, { tenant: row.tenant }, shown(row))
      return { tenant: row.tenant, seconds: Math.min(ACCESS_TOKEN_SECONDS, left.seconds) }
    })
    return { tenant, ...(await desk.issue(tenant, id, seconds)) }
  }
}

/** The tenant knows by its own record who has the access. */
const shown = ({ tenant, operator }: SupportRow): readonly About[] => [{ tenant, operator }]

/** @throws RingfenceError `not_found`, `forbidden`, `conflict` */
async function expectActive(
  tx: Tx,
  id: string,
  by: Actor,
): Promise<{ readonly row: SupportRow; readonly left: z.output<typeof leftSchema> }> {
  requireScope(by, 'support:write')
  const row = await lockSupport(tx, id)
  const holder = { name: row.requested_by, person: row.requested_person ?? undefined }
  if (!isSamePerson(holder, { name: by.name, person: by.person })) {
    throw new RingfenceError('forbidden', 'an access is for whoever asked for it')
  }
  // By the database's clock, by which it was begun, whether or not anybody has ended it yet.
  const [found] = await tx.query(
    `select floor(extract(epoch from ends_at - clock_timestamp()))::int as seconds,
            clock_timestamp() as now
       from registry.support_access join registry.tenant on tenant.id = support_access.tenant
      where support_access.id = $1 and state = 'active' and ends_at > clock_timestamp()
        and serving in ('active', 'paused')`,
    [id],
  )
  const left = found === undefined ? undefined : leftSchema.parse(found)
  if (left === undefined || left.seconds < 1) {
    throw new RingfenceError('conflict', `the access is not active: ${stateOf(row)}`)
  }
  return { row, left }
}

function stateOf({ state }: SupportRow): string {
  return state === 'active' ? 'its time is over, or the tenant is not served' : state
}

function endOf(now: Date, seconds: number): Date {
  return new Date((Math.floor(now.getTime() / 1000) + seconds) * 1000)
}
