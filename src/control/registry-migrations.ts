import { GRANT_RESTRAINTS_MIGRATION } from './behaviour/grant-restraints-migration.ts'
import { ADDRESS_BLOCKS_MIGRATION } from './behaviour/migration.ts'
import { BILLING_MIGRATION } from './billing/migration.ts'
import { KEEPING_MIGRATION } from './keeping/migration.ts'
import { GRANTS_MIGRATION } from './grants/migration.ts'
import { MANIFESTS_MIGRATION, METERS_MIGRATION } from './manifests/migration.ts'
import { APPROVAL_IN_USE_MIGRATION, OPERATORS_MIGRATION } from './operators/migration.ts'
import { REALM_ACCESS_MIGRATION } from './realms/migration.ts'
import { SUPPORT_MIGRATION } from './support/migration.ts'

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
  // The catalogue. A tenant's cell is named together with its region, so that no statement at all
  // places a tenant outside its region.
  `create table registry.cell (
     name text primary key,
     region text not null,
     capacity int not null check (capacity >= 0),
     open boolean not null,
     unique (name, region)
   );
   create table registry.plan (
     name text primary key,
     tiers text[] not null,
     requests_per_minute int not null check (requests_per_minute > 0),
     leases_per_minute int not null check (leases_per_minute > 0),
     lease_seconds_max int not null check (lease_seconds_max between 1 and 3600),
     approval boolean not null
   );
   insert into registry.cell (name, region, capacity, open)
     select cell, min(region), 10000, true from registry.tenant group by cell;
   insert into registry.plan
     select 'standard', array['pooled', 'bridge', 'silo'], 6000, 600, 900, false
      where exists (select from registry.tenant)`,
  `alter table registry.tenant
     drop constraint tenant_status_check,
     alter column status drop default,
     alter column cell drop not null,
     add column plan text not null default 'standard' references registry.plan,
     add column issuer text,
     add column keys jsonb not null default '[]',
     add column hosts text[] not null default '{}',
     add column serving text check (serving in ('active', 'paused', 'suspended')),
     add column legal_hold boolean not null default false,
     add column revision int not null default 1,
     add constraint tenant_status check (status in
       ('requested', 'provisioning', 'active', 'suspended', 'moving', 'offboarding', 'erased')),
     add constraint tenant_cell_in_region foreign key (cell, region)
       references registry.cell (name, region),
     add constraint tenant_serving check (serving is null or
       (cell is not null and issuer is not null and status not in ('requested', 'erased')));
   alter table registry.tenant alter column plan drop default;
   create index tenant_cell on registry.tenant (cell);
   create table registry.host (
     host text primary key,
     tenant text not null references registry.tenant
   );
   create index host_tenant on registry.host (tenant);
   create table registry.placement (
     tenant text not null references registry.tenant,
     engine text not null,
     cell text not null references registry.cell,
     tier text not null,
     key text not null,
     place text not null,
     placed_at timestamptz not null default now(),
     primary key (tenant, engine)
   );
   create table registry.status_change (
     id bigint generated always as identity primary key,
     tenant text not null references registry.tenant,
     at timestamptz not null default clock_timestamp(),
     from_status text,
     to_status text not null,
     by text not null,
     why text not null,
     request_id text not null
   );
   create index status_change_tenant on registry.status_change (tenant, id)`,
  // Workflows. The partial index lets one workflow a tenant be under way, and one export beside it.
  `create table registry.workflow (
     id text primary key,
     seq bigint generated always as identity unique,
     kind text not null check (kind in
       ('onboard', 'suspend', 'resume', 'move', 'offboard', 'export')),
     tenant text not null references registry.tenant,
     state text not null check (state in
       ('running', 'waiting', 'succeeded', 'failed', 'cancelled')),
     by text not null,
     request_id text not null,
     input jsonb not null,
     result jsonb,
     error text,
     run int not null default 1,
     executor text,
     events int not null default 0,
     wake_at timestamptz,
     cancel_by text,
     committed boolean not null default false,
     superseded boolean not null default false,
     started_at timestamptz not null default clock_timestamp(),
     touched_at timestamptz not null default clock_timestamp(),
     ended_at timestamptz
   );
   create unique index workflow_one_a_tenant on registry.workflow (tenant, (kind = 'export'))
     where state in ('running', 'waiting');
   create index workflow_of_tenant on registry.workflow (tenant, seq);
   create index workflow_under_way on registry.workflow (state, touched_at)
     where state in ('running', 'waiting');
   create table registry.workflow_step (
     workflow text not null references registry.workflow,
     n int not null,
     name text not null,
     state text not null check (state in ('pending', 'running', 'done', 'failed')),
     started_at timestamptz,
     ended_at timestamptz,
     note text,
     output jsonb,
     primary key (workflow, n),
     unique (workflow, name)
   );
   create table registry.workflow_event (
     workflow text not null references registry.workflow,
     n int not null,
     at timestamptz not null default clock_timestamp(),
     step text not null,
     state text not null,
     note text,
     primary key (workflow, n)
   );
   create table registry.approval (
     id text primary key,
     seq bigint generated always as identity unique,
     workflow text not null unique references registry.workflow,
     tenant text not null references registry.tenant,
     kind text not null,
     requested_by text not null,
     requested_at timestamptz not null default clock_timestamp(),
     expires_at timestamptz not null,
     state text not null check (state in ('pending', 'approved', 'refused', 'expired')),
     decided_by text,
     decided_at timestamptz,
     comment text,
     external_ref text,
     constraint approval_by_another check (decided_by is distinct from requested_by)
   );
   create index approval_pending on registry.approval (expires_at) where state = 'pending';
   create table registry.receipt (
     workflow text primary key references registry.workflow,
     tenant text not null references registry.tenant,
     at timestamptz not null default clock_timestamp(),
     envelope text not null
   );
   create index receipt_tenant on registry.receipt (tenant, at);
   create table registry.executor (
     id text primary key,
     incarnation text not null,
     beat_at timestamptz not null
   );
   create table registry.setting (name text primary key, value jsonb not null);
   insert into registry.setting values ('supervision', 'null'), ('platform-lock', 'null')`,
  // Operators, what they did, and what was issued.
  `create table registry.operator (
     name text primary key,
     token_hash bytea not null unique check (length(token_hash) = 32),
     scopes text[] not null,
     created_at timestamptz not null default clock_timestamp(),
     expires_at timestamptz,
     revoked_at timestamptz,
     request_key text unique
   );
   create table registry.act (
     id bigint generated always as identity primary key,
     at timestamptz not null default clock_timestamp(),
     actor_kind text not null,
     actor text not null,
     action text not null,
     subject text not null,
     detail jsonb not null,
     request_id text not null,
     request_key text unique
   );
   create index act_subject on registry.act (subject, id);
   create table registry.idempotency (
     key bytea primary key,
     fingerprint bytea not null,
     holder text not null,
     lease_until timestamptz not null,
     answer jsonb,
     created_at timestamptz not null default clock_timestamp()
   );
   create index idempotency_age on registry.idempotency (created_at);
   create table registry.job_issue (
     id bigint generated always as identity primary key,
     at timestamptz not null default clock_timestamp(),
     job text not null,
     service text not null,
     tenant text not null references registry.tenant,
     scopes text[] not null,
     expires_at timestamptz not null,
     reason text not null,
     by text not null,
     request_id text not null
   );
   create index job_issue_tenant on registry.job_issue (tenant, id);
   create table registry.message_seen (
     id text primary key,
     until timestamptz not null
   );
   create index message_seen_until on registry.message_seen (until)`,
  OPERATORS_MIGRATION,
  SUPPORT_MIGRATION,
  APPROVAL_IN_USE_MIGRATION,
  REALM_ACCESS_MIGRATION,
  MANIFESTS_MIGRATION,
  GRANTS_MIGRATION,
  BILLING_MIGRATION,
  METERS_MIGRATION,
  ADDRESS_BLOCKS_MIGRATION,
  KEEPING_MIGRATION,
  GRANT_RESTRAINTS_MIGRATION,
]
