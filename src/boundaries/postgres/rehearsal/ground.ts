import type { Application } from '../manifest.ts'
import { createHash } from 'node:crypto'

/**
 * The proving ground: a small application with one of everything through which tenants have been
 * seen to leak (unique, foreign and exclusion keys, partitions, views, functions, sequences,
 * derived and hidden data). It is installed beside the application under proof, by the same code.
 */
const SQL = `
create table note (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  title text not null,
  body text not null default '',
  amount bigint not null default 0,
  state text not null default 'open' check (state in ('open', 'closed', 'insolvent')),
  number bigint generated always as identity,
  hidden_remark text,
  primary key (tenant_id, id),
  unique (tenant_id, title)
);
create index note_by_state on note (tenant_id, state);
create index note_by_amount on note (tenant_id, amount);

create table reply (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  note_id uuid not null,
  body text not null default '',
  primary key (tenant_id, id),
  foreign key (tenant_id, note_id) references note (tenant_id, id) on delete cascade
);

create table booking (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  room int not null,
  purpose text not null default '',
  primary key (tenant_id, id),
  constraint booking_room_once exclude using btree (tenant_id with =, room with =)
);

create table event (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  happened_on date not null default date '2026-03-02',
  payload text not null default '',
  primary key (tenant_id, id, happened_on)
) partition by range (happened_on);
create table event_2026 partition of event for values from ('2026-01-01') to ('2027-01-01');
create table event_rest partition of event default;

-- Not named in the manifest: closed to tenants, though it copies their rows.
create table note_history (
  tenant_id uuid not null,
  at timestamptz not null default now(),
  image jsonb not null
);
create function remember_note() returns trigger language plpgsql as $$
begin
  insert into ground.note_history (tenant_id, image) values (new.tenant_id, to_jsonb(new));
  return new;
end $$;
alter function remember_note() security definer set search_path = pg_catalog, pg_temp;
create trigger note_remembered after insert or update on note
  for each row execute function remember_note();

create table code (code text primary key, meaning text not null);
insert into code values ('A1', 'first'), ('B2', 'second');

create view open_note as select tenant_id, id, title, body from note where state = 'open';

create function loud(word text) returns text language sql immutable as $$ select upper(word) $$;
`

export const GROUND: Application = {
  name: 'ground',
  schema: 'ground',
  tenantColumn: 'tenant_id',
  tables: {
    note: {
      allow: ['select', 'insert', 'update', 'delete'],
      hidden: ['hidden_remark'],
      sample: {},
    },
    reply: { allow: ['select', 'insert', 'update'], hidden: [], sample: {} },
    booking: { allow: ['select', 'insert', 'update', 'delete'], hidden: [], sample: {} },
    event: { allow: ['select', 'insert', 'update'], hidden: [], sample: {} },
  },
  shared: ['code'],
  views: ['open_note'],
  functions: ['ground.loud(text)'],
  migrations: [
    { name: 'ground', sql: SQL, sha256: createHash('sha256').update(SQL).digest('hex') },
  ],
  sha256: createHash('sha256').update(SQL).digest('hex'),
}
