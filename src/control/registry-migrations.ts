/** The registry's schema, as numbered steps: the first is number 1. A step is never changed. */
export const REGISTRY_MIGRATIONS: readonly string[] = [
  `create table registry.tenant (
     id text primary key check (id ~ '^[a-z][a-z0-9-]{0,39}$'),
     tier text not null check (tier in ('pooled', 'bridge', 'silo')),
     region text not null,
     cell text not null,
     display_name text not null,
     status text not null default 'provisioning' check (status in ('provisioning', 'active')),
     created_at timestamptz not null default now(),
     changed_at timestamptz not null default now()
   )`,
]
