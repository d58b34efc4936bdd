/**
 * What was erased of whom, in schema `records` as numbered steps with a table of their own
 * (`keeping_migration`).
 */
export const KEEPING_MIGRATIONS: readonly string[] = [
  `create table records.erased_tenant (
     tenant text not null,
     -- When the registry says that it was erased: an id can be another tenant's later, and erased again.
     erased_at timestamptz not null,
     done_at timestamptz not null default clock_timestamp(),
     -- How long its log was then: what comes later is erased as well.
     log_size bigint not null,
     primary key (tenant, erased_at)
   )`,
]
