/**
 * What tenants let principals of others do, each kept with the tenant that gives it. Nothing refers to
 * the grantee's own row: an offer to a tenant that there is not looks like any other. What must hold for
 * one that is in force is written down as a constraint.
 */
export const GRANTS_MIGRATION = `
  create table registry.delegation (
    tenant text not null references registry.tenant,
    id text not null check (id ~ '^gr-[a-z0-9]{20,40}$'),
    seq bigint generated always as identity unique,
    grantee text not null check (grantee <> tenant),
    spec jsonb not null,
    state text not null check (state in ('offered', 'active', 'refused', 'revoked')),
    expires_at timestamptz not null,
    offered_by text not null,
    offered_at timestamptz not null default clock_timestamp(),
    accepted_by text,
    accepted_at timestamptz,
    ended_side text check (ended_side in ('grantor', 'grantee', 'operator')),
    ended_by text,
    ended_at timestamptz,
    primary key (tenant, id),
    unique (id),
    constraint delegation_agreed check (state <> 'active' or accepted_by is not null),
    constraint delegation_ended check ((state in ('refused', 'revoked')) = (ended_at is not null))
  );
  create index delegation_of_grantee on registry.delegation (grantee, seq);
  create index delegation_active on registry.delegation (tenant, expires_at) where state = 'active';
`
