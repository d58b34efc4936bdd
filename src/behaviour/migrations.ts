/**
 * What is usual, and what was done, as numbered steps of the schema `behaviour`, which is there and in which
 * the role that runs them may make tables. A step is never changed. `tenant` is empty for the platform.
 */
export const BEHAVIOUR_MIGRATIONS: readonly string[] = [
  `create table behaviour.baseline (
     tenant text not null,
     principal text not null,
     signal text not null,
     slot bigint not null,
     count bigint not null,
     counts bigint[] not null,
     seen_at timestamptz not null default clock_timestamp(),
     primary key (tenant, principal, signal)
   );
   create index baseline_by_age on behaviour.baseline (seen_at);

   create table behaviour.response (
     tenant text not null,
     id uuid not null,
     kind text not null
       check (kind in ('block-address', 'end-session', 'suspend-grant', 'challenge-grant')),
     object text not null,
     detector text not null,
     reason text not null,
     began_at timestamptz not null default clock_timestamp(),
     until timestamptz not null,
     renewed_at timestamptz not null default clock_timestamp(),
     ended_at timestamptz,
     ended_by text,
     end_reason text,
     primary key (tenant, id),
     check ((ended_at is null) = (ended_by is null))
   );
   -- The same is not done twice at once.
   create unique index response_in_force on behaviour.response (tenant, kind, object)
     where ended_at is null;
   create index response_until on behaviour.response (until) where ended_at is null`,
  `alter table behaviour.response
     drop constraint response_kind_check,
     add constraint response_kind_check check (kind in
       ('block-address', 'end-session', 'suspend-grant', 'limit-grant', 'challenge-grant'))`,
]
