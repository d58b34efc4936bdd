/** Of one call of `audit.submit`. */
export const SUBMIT_MAX = 1_000
/** Characters of one entry as JSON. */
const ENTRY_MAX = 65_536

/**
 * The inbox of schema `audit` in the control database, as numbered steps: entries that were made durable
 * with their acts, on their way to their logs. The schema itself is made by whoever runs them.
 *
 * `audit.submit` is the only way in: whoever may call it can neither read, change nor remove what is
 * there. `source` is the login that called. The mover reads and deletes by `seq`; it keeps no mark, so
 * that it does not matter in which order transactions commit. Nobody is notified: transactions that notify
 * commit one after another, and every sign-in is one.
 */
export const AUDIT_MIGRATIONS: readonly string[] = [
  `create table audit.inbox (
     seq bigint generated always as identity primary key,
     source text not null,
     at timestamptz not null default clock_timestamp(),
     entry jsonb not null check (
       jsonb_typeof(entry) = 'object'
       and length(entry::text) <= ${ENTRY_MAX}
       and coalesce(entry ->> 'id', '') ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
       and coalesce(entry ->> 'tenant', 'a') ~ '^[a-z][a-z0-9-]{0,39}$')
   );

   create function audit.submit(entries jsonb) returns void
   language plpgsql security definer set search_path = pg_catalog, pg_temp
   as $$
   begin
     if jsonb_typeof(entries) is distinct from 'array'
       or jsonb_array_length(entries) not between 1 and ${SUBMIT_MAX} then
       raise exception 'not a list of entries' using errcode = '22023';
     end if;
     insert into audit.inbox (source, entry)
       select session_user, value
       from jsonb_array_elements(entries) with ordinality as one (value, place)
       order by place;
   end
   $$;

   create view audit.waiting as
     select count(*) as entries, min(at) as since from audit.inbox`,
]

/**
 * Who may do what in schema `audit`, as statements of an administrator: some submit, one moves what was
 * submitted on.
 */
export function auditGrants(roles: {
  readonly all: readonly string[]
  readonly submit: readonly string[]
  readonly move: readonly string[]
}): readonly string[] {
  const all = roles.all.join(', ')
  const users = [...new Set([...roles.submit, ...roles.move])]
  return [
    `revoke all on schema audit from public, ${all}`,
    `revoke all on all tables in schema audit from public, ${all}`,
    `revoke all on all functions in schema audit from public, ${all}`,
    `grant usage on schema audit to ${users.join(', ')}`,
    `grant execute on function audit.submit to ${roles.submit.join(', ')}`,
    `grant select, delete on audit.inbox to ${roles.move.join(', ')}`,
    `grant select on audit.waiting to ${users.join(', ')}`,
  ]
}
