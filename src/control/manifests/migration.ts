/**
 * What was declared, by its owner ('' is the platform), and every generation of it. Whose it is stands
 * first in every key, and nothing of a tenant's is there without the tenant. A token may be one
 * tenant's: then it declares what is the tenant's own, and no statement gives it more.
 */
export const MANIFESTS_MIGRATION = `
  create table registry.object (
    owner text not null,
    kind text not null check (kind in
      ('Tenant', 'Plan', 'Upstream', 'Contract', 'Guardrail', 'PolicyStore')),
    name text not null,
    tenant text generated always as (nullif(owner, '')) stored references registry.tenant,
    -- As it was written, in the order in which it was written.
    spec json not null,
    -- What was made of a policy store when it was written.
    compiled text,
    generation int not null check (generation > 0),
    hash text not null,
    set_name text,
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp(),
    by text not null,
    why text not null,
    primary key (owner, kind, name),
    constraint object_of_platform check (owner = '' or kind not in ('Tenant', 'Plan'))
  );
  create index object_set on registry.object (set_name, owner) where set_name is not null;
  create table registry.object_generation (
    owner text not null,
    kind text not null,
    name text not null,
    tenant text generated always as (nullif(owner, '')) stored references registry.tenant,
    generation int not null,
    -- Null: it was removed, or erased with its tenant. The hash stays.
    spec json,
    hash text not null,
    act text not null check (act in ('created', 'configured', 'removed')),
    set_name text,
    at timestamptz not null default clock_timestamp(),
    by text not null,
    why text not null,
    request_id text not null,
    primary key (owner, kind, name, generation)
  );
  create index object_generation_of_kind on registry.object_generation (owner, kind, generation);
  alter table registry.operator
    add column tenant text references registry.tenant,
    add constraint operator_of_tenant check (
      tenant is null or scopes <@ array['configuration:read', 'configuration:write']);
`

/** What is measured is declared too: the platform's alone. */
export const METERS_MIGRATION = `
  alter table registry.object
    drop constraint object_kind_check,
    drop constraint object_of_platform,
    add constraint object_kind_check check (kind in
      ('Tenant', 'Plan', 'Upstream', 'Contract', 'Guardrail', 'PolicyStore', 'Meter')),
    add constraint object_of_platform check (owner = '' or kind not in ('Tenant', 'Plan', 'Meter'));
`
