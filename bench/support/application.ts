import { createHash } from 'node:crypto'
import type { Application } from '../../src/boundaries/postgres/manifest.ts'

const SQL = `
create type visit_status as enum ('booked', 'done', 'gone');
create table visit (
  tenant_id uuid not null,
  id bigint not null,
  starts_at timestamptz not null,
  email text not null default '',
  email_lc text generated always as (lower(email)) stored,
  status visit_status not null default 'booked',
  status_text text not null default 'booked' check (status_text in ('booked', 'done', 'gone')),
  amount numeric not null default 0,
  cents bigint not null default 0,
  note text not null default '',
  primary key (tenant_id, id)
);
create index visit_by_time on visit (tenant_id, starts_at);
`

const INDEXES = `
create index visit_by_email on visit (tenant_id, lower(email));
create index visit_by_email_lc on visit (tenant_id, email_lc);
create index visit_by_email_prefix on visit (tenant_id, email_lc text_pattern_ops);
create index visit_by_status on visit (tenant_id, status, starts_at);
create index visit_by_status_text on visit (tenant_id, status_text, starts_at);
create index visit_by_amount on visit (tenant_id, amount);
create index visit_by_cents on visit (tenant_id, cents);
`

/** One table of a tenant's appointments with two indexes; `searchable` adds one for each predicate. */
export function benchApplication(searchable = false): Application {
  const sql = searchable ? SQL + INDEXES : SQL
  const sha256 = createHash('sha256').update(sql).digest('hex')
  return {
    name: 'bench',
    schema: 'bench',
    tenantColumn: 'tenant_id',
    tables: {
      visit: { allow: ['select', 'insert', 'update', 'delete'], hidden: [], sample: {} },
    },
    shared: [],
    views: [],
    functions: [],
    migrations: [{ name: 'bench', sql, sha256 }],
    sha256,
  }
}
