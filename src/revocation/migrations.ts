import { KEPT_SECONDS } from './entry.ts'

/** Tells followers that there is something new. It carries nothing. */
export const REVOCATION_CHANNEL = 'ringfence_revocation'

/**
 * The table of schema `revocation` in the control database, as numbered steps: the first is number 1.
 * The schema itself is made by whoever runs them. Nothing is written but by the two functions: whoever
 * may call them can neither shorten a revocation nor take one back.
 *
 * `xid` is what followers go by: `PostgresFeed` says why a sequence is not enough.
 */
export const REVOCATION_MIGRATIONS: readonly string[] = [
  `create table revocation.entry (
     seq bigint generated always as identity primary key,
     xid xid8 not null,
     kind text not null
       check (kind in ('token', 'session', 'subject', 'client', 'tenant', 'everything')),
     tenant text check (tenant ~ '^[a-z][a-z0-9-]{0,39}$'),
     id text check (length(id) between 1 and 200),
     at timestamptz not null,
     expires_at timestamptz not null,
     check ((tenant is null) = (kind = 'everything')),
     check ((id is null) = (kind in ('everything', 'tenant')))
   );
   create index entry_by_xid on revocation.entry (xid);
   create index entry_by_expiry on revocation.entry (expires_at);

   create function revocation.enter(kind text, tenant text, id text, at timestamptz) returns void
   language sql security definer set search_path = pg_catalog, pg_temp
   begin atomic
     insert into revocation.entry (xid, kind, tenant, id, at, expires_at)
       values (pg_current_xact_id(), kind, tenant, id, at,
         greatest(at, clock_timestamp()) + interval '${KEPT_SECONDS} seconds');
     select pg_notify('${REVOCATION_CHANNEL}', '');
   end;

   create function revocation.forget_expired(at_most int) returns bigint
   language sql security definer set search_path = pg_catalog, pg_temp
   begin atomic
     with gone as (
       delete from revocation.entry where seq in (
         select seq from revocation.entry where expires_at < now()
         order by expires_at limit at_most)
       returning 1)
     select count(*) from gone;
   end`,
  // For detectors: a session, and what was issued under a grant; no person, no tenant, and not everybody.
  // Nor what followers could not read: they would serve nobody any more.
  `create function revocation.enter_detected(kind text, tenant text, id text) returns void
   language plpgsql security definer set search_path = pg_catalog, pg_temp
   as $$
   begin
     if (kind = 'session' and id ~ '^[!-~]{1,200}$'
         or kind = 'subject' and id ~ '^grant:gr-[a-z0-9]{20,40}$') is not true
       or tenant is null then
       raise exception 'not what a detector revokes' using errcode = '22023';
     end if;
     perform revocation.enter(kind, tenant, id, clock_timestamp());
   end
   $$`,
  // What detectors have voided and is to be ended in its realm as well: whoever keeps sessions takes it from
  // here, however long that is not running. A revocation is forgotten after an hour, and a refresh token lives
  // for weeks.
  `create table revocation.detected_session (
     tenant text not null,
     id text not null,
     at timestamptz not null default clock_timestamp(),
     primary key (tenant, id)
   );

   create or replace function revocation.enter_detected(kind text, tenant text, id text) returns void
   language plpgsql security definer set search_path = pg_catalog, pg_temp
   as $$
   begin
     if (kind = 'session' and id ~ '^[!-~]{1,200}$'
         or kind = 'subject' and id ~ '^grant:gr-[a-z0-9]{20,40}$') is not true
       or tenant is null then
       raise exception 'not what a detector revokes' using errcode = '22023';
     end if;
     perform revocation.enter(kind, tenant, id, clock_timestamp());
     if kind = 'session' then
       insert into revocation.detected_session (tenant, id) values (tenant, id)
         on conflict on constraint detected_session_pkey do nothing;
     end if;
   end
   $$`,
]

/**
 * Who may do what in schema `revocation`, as statements of an administrator: some enter revocations,
 * some follow them, one sweeps; `detect` enters what `enter_detected` takes and nothing else, and `end`
 * ends sessions that were entered so.
 */
export function revocationGrants(roles: {
  readonly all: readonly string[]
  readonly enter: readonly string[]
  readonly follow: readonly string[]
  readonly sweep: readonly string[]
  readonly detect?: readonly string[]
  readonly end?: readonly string[]
}): readonly string[] {
  const all = roles.all.join(', ')
  const { detect = [], end = [] } = roles
  const users = [...new Set([...roles.enter, ...roles.follow, ...roles.sweep, ...detect, ...end])]
  return [
    `revoke all on schema revocation from public, ${all}`,
    `revoke all on all tables in schema revocation from public, ${all}`,
    `revoke all on all functions in schema revocation from public, ${all}`,
    `grant usage on schema revocation to ${users.join(', ')}`,
    `grant select on revocation.entry to ${roles.follow.join(', ')}`,
    `grant execute on function revocation.enter to ${roles.enter.join(', ')}`,
    `grant execute on function revocation.forget_expired to ${roles.sweep.join(', ')}`,
    ...end.map((role) => `grant select, update, delete on revocation.detected_session to ${role}`),
    ...detect.map((role) => `grant execute on function revocation.enter_detected to ${role}`),
  ]
}
