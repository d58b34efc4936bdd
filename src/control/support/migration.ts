/**
 * Operators' access to tenants' data. What must hold for an active one is written down as constraints,
 * so that no statement at all makes one active without those who have to agree.
 */
export const SUPPORT_MIGRATION = `
  create table registry.support_policy (
    tenant text primary key references registry.tenant,
    policy text not null check (policy in
      ('never', 'consent', 'second-person', 'consent-and-second-person')),
    by text not null,
    changed_at timestamptz not null default clock_timestamp()
  );
  create table registry.support_access (
    id text primary key,
    seq bigint generated always as identity unique,
    tenant text not null references registry.tenant,
    operator text not null,
    requested_by text not null,
    requested_person text,
    scope text not null check (scope in ('read', 'write')),
    seconds int not null check (seconds between 60 and 14400),
    reason text not null check (length(reason) between 1 and 500),
    policy text not null check (policy in
      ('consent', 'second-person', 'consent-and-second-person')),
    state text not null check (state in ('requested', 'approved', 'consented', 'active', 'ended',
      'denied', 'expired', 'revoked')),
    -- There was nobody yet who could have been a second person.
    alone boolean not null,
    approval text unique references registry.approval,
    approved_by text,
    consented_by text,
    requested_at timestamptz not null default clock_timestamp(),
    decide_by timestamptz not null,
    active_at timestamptz,
    ends_at timestamptz,
    revision int not null default 1,
    -- The newest revision that the tenant's own record has.
    shown_revision int not null default 0,
    -- Leases of an access that is over are still to be ended at the cell.
    leases_left boolean not null default false,
    constraint support_agreed check (state <> 'active' or (
      (policy = 'second-person' or consented_by is not null)
      and (policy = 'consent' or approved_by is not null or alone))),
    constraint support_short check (ends_at is null or
      (active_at is not null and ends_at <= active_at + make_interval(secs => seconds))),
    constraint support_has_end check (state <> 'active' or ends_at is not null),
    constraint support_by_another check (approved_by is distinct from requested_by)
  );
  create index support_of_tenant on registry.support_access (tenant, seq);
  create index support_open on registry.support_access (state)
    where state in ('requested', 'approved', 'consented', 'active');
  create index support_unshown on registry.support_access (seq)
    where shown_revision < revision or leases_left;
  create table registry.support_change (
    id bigint generated always as identity primary key,
    access text not null references registry.support_access,
    at timestamptz not null default clock_timestamp(),
    from_state text,
    to_state text not null,
    by text not null,
    why text not null,
    request_id text not null
  );
  create index support_change_of on registry.support_change (access, id);
`
