/**
 * A tenant's own record of operators' access to its data, as the control plane showed it, and what the
 * tenant's administrators said. What was said is never rewritten.
 */
export const SUPPORT_MIGRATION = `
  create table identity.support_access (
    tenant text not null references identity.realm on delete cascade,
    id text not null check (id ~ '^[A-Za-z0-9._-]{1,100}$'),
    revision bigint not null check (revision > 0),
    -- Of the terms: what is agreed to.
    digest text not null check (digest ~ '^[0-9a-f]{64}$'),
    shown jsonb not null,
    requested_at timestamptz not null,
    primary key (tenant, id)
  );
  create index support_access_by_time on identity.support_access (tenant, requested_at desc, id);
  create table identity.support_decision (
    tenant text not null,
    access text not null,
    kind text not null check (kind in ('consent', 'deny', 'revoke')),
    digest text not null check (digest ~ '^[0-9a-f]{64}$'),
    by text not null,
    at timestamptz not null default now(),
    primary key (tenant, access, kind),
    foreign key (tenant, access) references identity.support_access on delete cascade
  );
`
