import type { TenantId } from '../../core/tenant.ts'
import type { Rows } from '../identity-database.ts'
import { realmSettingsSchema } from '../provider/realm-settings.ts'
import type { SignedIn } from './signed-in.ts'

/** How old "last seen" may be before it is written again. Seconds. */
const SEEN_SECONDS = 60
/** Cookies that a session remembers to have had: one is retired with each sign-in. */
const RETIRED_MAX = 20
const { session: DEFAULTS } = realmSettingsSchema.parse({})

/**
 * True of a session (`s`) in which somebody is signed in by now, in its realm (`r`). The realm's
 * settings are those of today: what they shorten ends at once.
 */
export const IS_LIVE = `s.ended_at is null and s.expires_at > now()
  and s.signed_in_at > now() - make_interval(
    secs => coalesce((r.settings #>> '{session,seconds}')::int, ${DEFAULTS.seconds}))
  and s.seen_at > now() - make_interval(
    secs => ${SEEN_SECONDS} + coalesce((r.settings #>> '{session,idleSeconds}')::int, ${DEFAULTS.idleSeconds}))`

export const CLIENTS = `(
  select coalesce(json_object_agg(c.client, json_build_object('sid', c.sid, 'grant', c.grant_id)), '{}')
  from identity.session_client c where c.tenant = s.tenant and c.session = s.id) as clients`

/** What is known of a session, whether it has ended or not. */
export interface SessionRecord {
  readonly subject: string
  readonly cookie: string
  readonly retired: readonly string[]
  readonly device: string
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly signed_in: number
  readonly ended: boolean
  /** "Last seen" is to be written. */
  readonly stale: boolean
  readonly clients: SignedIn['clients']
}

/** @param locking until the caller's transaction ends */
export async function findRecord(
  rows: Rows,
  { tenant, id }: { readonly tenant: TenantId; readonly id: string },
  locking = false,
): Promise<SessionRecord | undefined> {
  const [record] = await rows.query<SessionRecord>(
    `select s.subject, s.cookie, s.retired, s.device, s.acr, s.amr,
       extract(epoch from s.signed_in_at)::int as signed_in, s.ended_at is not null as ended,
       s.seen_at < now() - interval '${SEEN_SECONDS} seconds' as stale, ${CLIENTS}
     from identity.session s where s.tenant = $1 and s.id = $2 ${locking ? 'for update' : ''}`,
    [tenant, id],
  )
  return record
}

/** The session that the cookie is of, if somebody is signed in there by now. */
export async function liveSession(
  rows: Rows,
  tenant: TenantId,
  cookie: string,
): Promise<string | undefined> {
  const [row] = await rows.query<{ id: string }>(
    `select s.id from identity.session s join identity.realm r on r.tenant = s.tenant
     where s.tenant = $1 and s.cookie = $2 and ${IS_LIVE}`,
    [tenant, cookie],
  )
  return row?.id
}

/** Enters a session that begins. */
export async function insertRecord(rows: Rows, session: SignedIn): Promise<void> {
  await rows.query(
    `insert into identity.session (tenant, id, subject, cookie, device, user_agent, address, acr,
       amr, started_at, signed_in_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10), to_timestamp($10), ${EXPIRES})`,
    valuesOf(session),
  )
  await writeClients(rows, session)
}

/** Brings what is known up to date. */
export async function updateRecord(rows: Rows, session: SignedIn): Promise<void> {
  await rows.query(
    `update identity.session set cookie = $4,
       retired = case when cookie = $4 then retired
         else (array[cookie] || retired)[1:${RETIRED_MAX}] end,
       device = $5, user_agent = $6, address = $7, acr = $8, amr = $9,
       signed_in_at = to_timestamp($10), seen_at = now(), expires_at = ${EXPIRES}
     where tenant = $1 and id = $2 and subject = $3`,
    valuesOf(session),
  )
  await writeClients(rows, session)
}

/** "Last seen" is written once a minute, so that what depends on it has a minute more. */
const EXPIRES = `now() + make_interval(secs => $11 + ${SEEN_SECONDS})`

function valuesOf(session: SignedIn): readonly unknown[] {
  const { tenant, id, subject, cookie, device, userAgent, address, acr, amr, signedInAt } = session
  return [
    tenant,
    id,
    subject,
    cookie,
    device,
    userAgent ?? null,
    address ?? null,
    acr ?? null,
    amr,
    signedInAt,
    session.seconds,
  ]
}

async function writeClients(rows: Rows, { tenant, id, clients }: SignedIn): Promise<void> {
  const entries = Object.entries(clients)
  await rows.query(
    `delete from identity.session_client
     where tenant = $1 and session = $2 and client <> all ($3)`,
    [tenant, id, entries.map(([client]) => client)],
  )
  await rows.query(
    `insert into identity.session_client (tenant, session, client, sid, grant_id)
     select $1, $2, * from unnest($3::text[], $4::text[], $5::text[])
     on conflict (tenant, session, client) do update
       set sid = excluded.sid, grant_id = excluded.grant_id`,
    [
      tenant,
      id,
      entries.map(([client]) => client),
      entries.map(([, { sid }]) => sid),
      entries.map(([, { grant }]) => grant),
    ],
  )
}
