/** The schema that the records plane keeps its logs in, with `log_` before each table's name. */
export const LOG_SCHEMA = 'records'

/** In order; a step never changes once it is released. Each table's key begins with the log. */
export const LOG_MIGRATIONS: readonly string[] = [
  `create table records.log_head (
     log text primary key,
     origin text not null unique,
     size bigint not null default 0,
     -- Roots of the complete subtrees, the largest first.
     peaks bytea not null default '',
     -- The data key for the next entry.
     data_key text,
     created_at timestamptz not null
   );
   -- Without foreign keys: who adds to it has locked the log's head, and no head is ever removed.
   create table records.log_entry (
     log text not null,
     place bigint not null,
     id uuid not null,
     hash bytea not null,
     bytes bytea not null,
     primary key (log, place),
     unique (log, id)
   );
   -- Full tiles' roots: level 1 and above. Level 0 is the entries' hashes.
   create table records.log_node (
     log text not null,
     level int not null,
     place bigint not null,
     hash bytea not null,
     primary key (log, level, place)
   );
   create table records.log_data_key (
     log text not null references records.log_head,
     key text not null,
     -- 2026-11: the month in which its entries were entered.
     period text not null,
     -- Without it what it had encrypted is gone.
     wrapped bytea,
     made_at timestamptz not null,
     shredded_at timestamptz,
     primary key (log, key),
     check ((wrapped is null) = (shredded_at is not null))
   );
   create table records.log_signing_key (
     log text not null references records.log_head,
     vkey text not null,
     wrapped bytea,
     signs_from timestamptz not null,
     signs_until timestamptz,
     -- The note by which the key before it announced it; the first has none.
     announcement text,
     primary key (log, vkey)
   );
   create table records.log_checkpoint (
     log text not null references records.log_head,
     size bigint not null,
     note text not null,
     signed_at timestamptz not null,
     primary key (log, size)
   );
   create table records.log_cosignature (
     log text not null,
     size bigint not null,
     witness text not null,
     line text not null,
     cosigned_at timestamptz not null,
     primary key (log, size, witness),
     foreign key (log, size) references records.log_checkpoint
   );
   create table records.log_hold (
     log text not null,
     name text not null,
     reason text not null,
     placed_by text not null,
     placed_at timestamptz not null,
     released_by text,
     released_at timestamptz,
     primary key (log, name)
   );
   -- What this installation has cosigned, as a witness, of others' logs.
   create table records.log_witnessed (
     origin text primary key,
     size bigint not null,
     root bytea not null,
     note text not null,
     cosigned_at timestamptz not null
   )`,
]
