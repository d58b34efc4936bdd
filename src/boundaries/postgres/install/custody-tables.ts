/**
 * Counts up with every change of the ledger's tables or functions, so that a server with an older
 * ledger is not taken for one with everything installed.
 */
export const LEDGER_VERSION = 2

/** What came with the second version. Run on the first, it makes the second. */
const SECOND = {
  columns: [
    // True in a cell's ledger for a tenant with a server of its own: leases are that ledger's.
    'away boolean not null default false',
    // No write lease, and no lease at all, before then: the tenant changes places.
    'writes_held_until timestamptz',
    'held_until timestamptz',
  ],
  // The tenant's other place: before the cut-over the one that is being filled, and after it the one
  // that was left. `since` is the oldest transaction that the copy may not have seen.
  move: `create table custody.move (
  tenant_id text primary key references custody.tenant,
  phase text not null check (phase in ('copying', 'copied', 'dropping', 'left')),
  key uuid not null unique,
  tier text not null check (tier in ('pooled', 'bridge', 'silo')),
  database name not null,
  since numeric,
  verified jsonb,
  began_at timestamptz not null default now()
);`,
}

/** The ledger's tables, in an empty schema custody. */
export function custodyTablesSql(): string {
  return `create table custody.tenant (
  tenant_id text primary key check (tenant_id ~ '^[a-z][a-z0-9-]{0,39}$'),
  key uuid not null unique,
  tier text not null check (tier in ('pooled', 'bridge', 'silo')),
  region text not null,
  database name not null,
  status text not null check (status in ('provisioning', 'active', 'erasing')),
  created_at timestamptz not null default now(),
  ${SECOND.columns.join(',\n  ')}
);
create table custody.retired_key (key uuid primary key, retired_at timestamptz not null default now());
create table custody.lease (
  lease_id uuid primary key,
  key uuid not null,
  scope text not null check (scope in ('read', 'write', 'export')),
  slot smallint not null,
  role_name name not null,
  holder text not null,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_why text,
  drained boolean not null default false
);
create unique index lease_open on custody.lease (role_name) where not drained;
create index lease_of_tenant on custody.lease (key, issued_at desc);
create index lease_due on custody.lease (expires_at) where ended_at is null;
create index lease_past on custody.lease (ended_at) where drained;
${SECOND.move}`
}

/** Brings the tables of a ledger of the first version up to this one. The functions come after it. */
export function custodyUpgradeSql(): string {
  const columns = SECOND.columns.map((column) => `add ${column}`).join(', ')
  return `alter table custody.tenant ${columns};
${SECOND.move}
revoke all on custody.move from public;`
}
