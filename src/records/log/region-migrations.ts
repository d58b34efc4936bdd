/**
 * Which region each tenant's log is in, in schema `records` as numbered steps with a table of their own
 * (`region_migration`). It is entered when a tenant is first seen and stays when the tenant is no more: its
 * log does.
 */
export const REGION_MIGRATIONS: readonly string[] = [
  `create table records.tenant_region (
     tenant text primary key,
     region text not null,
     entered_at timestamptz not null default clock_timestamp()
   )`,
]
