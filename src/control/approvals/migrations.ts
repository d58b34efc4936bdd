/**
 * What waits to be told outside, in the control database: numbered steps for the schema `approvals`,
 * run as its administrator after the planes' roles are made. A step is never changed.
 */
export const APPROVAL_MIGRATIONS: readonly string[] = [
  `create table approvals.message (
     id text primary key,
     seq bigint generated always as identity unique,
     receiver text not null,
     type text not null check (type in ('approval.requested', 'change.started')),
     subject text not null,
     data jsonb not null,
     created_at timestamptz not null default clock_timestamp(),
     attempts int not null default 0,
     next_at timestamptz not null default clock_timestamp(),
     last_error text,
     reference text,
     delivered_at timestamptz,
     given_up_at timestamptz,
     decided_at timestamptz,
     unique (receiver, type, subject)
   );
   create index message_due on approvals.message (next_at)
     where delivered_at is null and given_up_at is null;
   create index message_undecided on approvals.message (next_at)
     where type = 'approval.requested' and delivered_at is not null and decided_at is null;
   revoke all on schema approvals from public;
   grant usage on schema approvals to rf_control;
   grant select, insert, update on approvals.message to rf_control`,
]
