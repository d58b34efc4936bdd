import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'
import type { Session, SessionClient, SessionPage, SessionQuery } from './session.ts'
import { IS_LIVE } from './session-records.ts'

const LIMIT_MAX = 500
/** Where a page ended: seconds since 1970 and a session's id. */
const CURSOR = /^([0-9]{1,12})\.([A-Za-z0-9_-]{1,100})$/

/** Live sessions of a realm, the last signed in first. @throws RingfenceError `invalid_argument` */
export async function listSessions(
  rows: Rows,
  tenant: TenantId,
  query: SessionQuery,
): Promise<SessionPage> {
  const { subject, client, device, limit } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw new RingfenceError('invalid_argument', `a limit is 1 to ${LIMIT_MAX}`)
  }
  const [signedInAt, id] = positionOf(query.cursor)
  const found = await rows.query<Row>(
    `${SELECT} where s.tenant = $1 and ${IS_LIVE}
       and ($2::text is null or s.subject = $2) and ($3::text is null or s.device = $3)
       and ($4::text is null or exists (select ${LET_IN} and c.client = $4))
       and ($5::float is null or (s.signed_in_at, s.id) < (to_timestamp($5), $6))
     order by s.signed_in_at desc, s.id desc limit $7`,
    [
      tenant,
      harmless(subject),
      harmless(device),
      harmless(client),
      signedInAt ?? null,
      id ?? null,
      limit + 1,
    ],
  )
  const items = found.slice(0, limit).map(sessionOf)
  const last = items.at(-1)
  const next =
    found.length > limit && last !== undefined
      ? `${Math.floor(last.signedInAt.getTime() / 1000)}.${last.id}`
      : undefined
  return { items, next }
}

/** A live session by its id or a `sid` of its clients' tokens. */
export async function findSession(
  rows: Rows,
  tenant: TenantId,
  id: string,
): Promise<Session | undefined> {
  const [row] = await rows.query<Row>(
    `${SELECT} where s.tenant = $1 and ${IS_LIVE} and (s.id = $2 or s.id in (
       select c.session from identity.session_client c where c.tenant = $1 and c.sid = $2))
     limit 1`,
    [tenant, harmless(id)],
  )
  return row === undefined ? undefined : sessionOf(row)
}

/** Clients of a session that have a grant: what was taken back is not there any more. */
const LET_IN = `from identity.session_client c
  where c.tenant = s.tenant and c.session = s.id and exists (
    select from identity.artifact a where a.tenant = c.tenant and a.model = 'Grant'
      and a.id = c.grant_id and (a.expires_at is null or a.expires_at > now()))`

const SELECT = `select s.id, s.subject, s.started_at, s.signed_in_at, s.seen_at, s.device,
  s.user_agent, s.address, s.acr, s.amr,
  (select coalesce(json_agg(json_build_object('client', c.client, 'sid', c.sid) order by c.client), '[]')
   ${LET_IN}) as clients
  from identity.session s join identity.realm r on r.tenant = s.tenant`

interface Row {
  readonly id: string
  readonly subject: Subject
  readonly started_at: Date
  readonly signed_in_at: Date
  readonly seen_at: Date
  readonly device: string
  readonly user_agent: string | null
  readonly address: string | null
  readonly acr: string | null
  readonly amr: string[]
  readonly clients: SessionClient[]
}

function sessionOf(row: Row): Session {
  return {
    id: row.id,
    subject: row.subject,
    startedAt: row.started_at,
    signedInAt: row.signed_in_at,
    seenAt: row.seen_at,
    device: row.device,
    userAgent: row.user_agent ?? undefined,
    address: row.address ?? undefined,
    acr: row.acr ?? undefined,
    amr: row.amr,
    clients: row.clients,
  }
}

function positionOf(cursor: string | undefined): readonly [number, string] | readonly [] {
  if (cursor === undefined) return []
  const [, at, id] = CURSOR.exec(cursor) ?? []
  if (at === undefined || id === undefined) {
    throw new RingfenceError('invalid_argument', 'the cursor is not one of a list of sessions')
  }
  return [Number(at), id]
}

/** PostgreSQL's text has no NUL: what has one is nobody's name. */
function harmless(text: string | undefined): string | null {
  return text === undefined ? null : text.replaceAll('\0', '\u{fffd}')
}
