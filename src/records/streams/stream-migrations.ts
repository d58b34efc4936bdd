/**
 * Where logs are streamed to, and how far each has come, in schema `records` as numbered steps with a table
 * of their own (`stream_migration`). No entry is in it: those are read from their log.
 */
export const STREAM_MIGRATIONS: readonly string[] = [
  `create table records.stream_sink (
     log text not null,
     name text not null check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
     -- Another one each time it is set: what was under way for the one before says nothing of this one.
     revision uuid not null default gen_random_uuid(),
     settings jsonb not null,
     -- Sealed with the logs' key.
     secrets bytea not null,
     -- The index of the next entry that it gets.
     position bigint not null check (position >= 0),
     -- Where the batch under way ends: what is tried again is the same again.
     sending_to bigint,
     attempts int not null default 0,
     next_at timestamptz not null default clock_timestamp(),
     last_error text,
     delivered_at timestamptz,
     stopped boolean not null default false,
     set_by text not null,
     set_at timestamptz not null default clock_timestamp(),
     primary key (log, name),
     check (sending_to > position)
   );
   create index stream_sink_due on records.stream_sink (next_at) where not stopped`,
]
