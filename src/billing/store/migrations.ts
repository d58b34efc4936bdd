/**
 * The tables of schema `billing`, as numbered steps: the first is number 1, and a step is never changed.
 *
 * What was sent stays as it was: rows of invoices and of what became of them can be added and read. The
 * role owns its tables and could take the trigger away; that it did not is shown by the hashes, each of
 * which holds the one before it.
 */
export const BILLING_MIGRATIONS: readonly string[] = [
  `create table billing.tenant (
     id text primary key check (id ~ '^[a-z][a-z0-9-]{0,39}$')
   );
   create table billing.sequence (
     issuer text not null,
     series text not null check (series in ('invoice', 'credit-note')),
     last int not null default 0,
     last_hash text not null default '',
     primary key (issuer, series)
   );
   create table billing.invoice (
     tenant text not null references billing.tenant,
     number text not null,
     issuer text not null,
     series text not null,
     sequence int not null check (sequence > 0),
     period text not null,
     currency text not null,
     issued_at timestamptz not null,
     -- The first moment that is billed. The tenant's id may have been another customer's before.
     began_at timestamptz not null,
     -- Canonical JSON: these bytes are what the hash is of.
     content text not null,
     hash text not null check (hash ~ '^[0-9a-f]{64}$'),
     primary key (tenant, number),
     unique (issuer, series, sequence),
     foreign key (issuer, series) references billing.sequence (issuer, series)
   );
   create index invoice_newest on billing.invoice (tenant, issued_at desc, number);
   -- The one that is in force for a period: a void frees the place.
   create table billing.in_force (
     tenant text not null,
     period text not null,
     currency text not null,
     number text not null,
     primary key (tenant, period, currency),
     unique (tenant, number),
     foreign key (tenant, number) references billing.invoice (tenant, number)
   );
   create table billing.invoice_event (
     tenant text not null,
     number text not null,
     kind text not null check (kind in ('finalised', 'void', 'submitted', 'paid', 'payment-failed')),
     at timestamptz not null,
     by text not null,
     detail jsonb not null default '{}',
     primary key (tenant, number, kind),
     foreign key (tenant, number) references billing.invoice (tenant, number)
   );
   create function billing.keep() returns trigger language plpgsql as
     $$ begin raise exception 'what was sent stays as it was' using errcode = '23001'; end $$;
   create trigger keep before update or delete or truncate on billing.invoice
     for each statement execute function billing.keep();
   create trigger keep before update or delete or truncate on billing.invoice_event
     for each statement execute function billing.keep()`,
  `create table billing.payment (
     tenant text not null,
     number text not null,
     provider text not null,
     -- Until it is known there, null.
     external_id text,
     attempts int not null default 0,
     due_at timestamptz not null,
     last_error text,
     done boolean not null default false,
     primary key (tenant, number, provider),
     foreign key (tenant, number) references billing.invoice (tenant, number)
   );
   create index payment_due on billing.payment (due_at) where not done;
   create unique index payment_external on billing.payment (provider, external_id);
   create table billing.payment_customer (
     tenant text not null references billing.tenant,
     provider text not null,
     external_id text not null,
     primary key (tenant, provider)
   );
   create table billing.payment_message (
     provider text not null,
     id text not null,
     at timestamptz not null,
     primary key (provider, id)
   )`,
  `create table billing.budget (
     tenant text not null references billing.tenant,
     name text not null check (name ~ '^[a-z][a-z0-9-]{0,39}$'),
     definition jsonb not null,
     changed_at timestamptz not null,
     by text not null,
     primary key (tenant, name)
   );
   create table billing.budget_notice (
     tenant text not null,
     name text not null,
     period text not null,
     threshold int not null,
     at timestamptz not null,
     primary key (tenant, name, period, threshold),
     foreign key (tenant, name) references billing.budget (tenant, name) on delete cascade
   );
   -- What gateways were told last.
   create table billing.quota_state (
     tenant text primary key references billing.tenant,
     spent jsonb not null,
     at timestamptz not null
   )`,
  `create table billing.finding (
     tenant text not null references billing.tenant,
     period text not null,
     id text not null,
     kind text not null,
     detail jsonb not null,
     first_seen timestamptz not null,
     last_seen timestamptz not null,
     resolved_at timestamptz,
     primary key (tenant, period, id)
   );
   create table billing.reconciliation (
     tenant text not null references billing.tenant,
     period text not null,
     at timestamptz not null,
     report jsonb not null,
     primary key (tenant, period)
   );
   create table billing.cost (
     tenant text not null references billing.tenant,
     day date not null,
     kind text not null,
     source text not null,
     -- Of the kind's unit: byte-hours, milliseconds, bytes.
     quantity numeric(40, 0) not null check (quantity >= 0),
     primary key (tenant, day, kind, source)
   );
   create table billing.cost_mark (
     source text not null,
     tenant text not null references billing.tenant,
     kind text not null,
     -- What a counter stood at, and when: the next reading counts from there.
     value numeric(40, 0) not null,
     epoch text not null,
     at timestamptz not null,
     primary key (tenant, source, kind)
   )`,
]
