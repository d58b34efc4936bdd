/**
 * The schema `usage`. Events are partitioned by the day of their time, and what names them is not: a
 * duplicate with another time finds its name taken. A name is 128 bits of a hash (`eventKey`).
 */
const EVENTS = `
  create table usage.event (
    tenant text not null,
    time timestamptz not null,
    key uuid not null,
    source text not null,
    id text not null,
    type text not null,
    subject text,
    context_tenant text,
    grant_id text,
    traceparent text,
    dataschema text,
    -- The event that it corrects or voids, which may not have come yet.
    target uuid,
    voids boolean not null,
    data jsonb not null,
    reporter text not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (tenant, time, key)
  ) partition by range (time);

  create table usage.event_key (
    tenant text not null,
    key uuid not null,
    time timestamptz not null,
    content uuid not null,
    primary key (tenant, key)
  ) partition by hash (key);

  -- What came under a name that another content had taken. It counts for nothing, and is kept.
  create table usage.conflict (
    tenant text not null,
    key uuid not null,
    content uuid not null,
    event jsonb not null,
    reporter text not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (tenant, key, content)
  );

  create table usage.amendment (
    tenant text not null,
    target uuid not null,
    key uuid not null,
    voids boolean not null,
    time timestamptz not null,
    primary key (tenant, target, key)
  );
  create index amendment_key on usage.amendment (tenant, key);
  create index amendment_time on usage.amendment (tenant, time);

  -- Minutes of which rollups may be wrong: a row is there from the very transaction that wrote the events.
  create table usage.dirty (
    tenant text not null,
    id bigint generated always as identity,
    minutes timestamptz[] not null,
    primary key (tenant, id)
  );
`

/** Of names: pages of 8 small indexes are more often in memory than those of a large one. */
const KEY_PARTITIONS = Array.from(
  { length: 8 },
  (_, at) => `create table usage.event_key_${at} partition of usage.event_key
    for values with (modulus 8, remainder ${at});`,
).join('\n')

/** Senders' own words on what is still to come. */
const SENDERS = `
  create table usage.sender (
    sender text primary key,
    -- What the sources of its events begin with.
    root text not null,
    complete_to timestamptz not null,
    heard_at timestamptz not null
  );
  create table usage.tenant_root (
    tenant text not null,
    root text not null,
    primary key (tenant, root)
  );
`

const ROLLUPS = `
  create table usage.meter (
    name text primary key,
    spec jsonb not null,
    hash text not null
  );
  -- Of which configuration the meters are: an older one, of a process that is behind, changes nothing.
  create table usage.meters_version (
    single boolean primary key default true check (single),
    version bigint not null
  );
  -- Of a minute (m), an hour (h), a day (d). Quantities are millionths of the unit.
  create table usage.rollup (
    tenant text not null,
    meter text not null,
    span char(1) not null check (span in ('m', 'h', 'd')),
    start timestamptz not null,
    -- The values of the meter's groups, a JSON array.
    grp text not null,
    quantity numeric not null,
    -- When the latest was.
    at timestamptz not null,
    events bigint not null,
    -- Events without a value that could be read. They count for nothing.
    unread bigint not null,
    primary key (tenant, meter, span, start, grp)
  );
  -- What was told apart: the exact set, for meters of unique values.
  create table usage.member (
    tenant text not null,
    meter text not null,
    span char(1) not null check (span in ('m', 'h', 'd')),
    start timestamptz not null,
    grp text not null,
    value uuid not null,
    primary key (tenant, meter, span, start, grp, value)
  );
`

const FUNCTIONS = `
  -- Millionths; null for what is no amount: not a number, below zero, or not of a size that can be meant.
  create function usage.micros(value jsonb) returns numeric language sql immutable parallel safe as $$
    select case
      when jsonb_typeof(value) = 'number' and value::numeric >= 0 then round(value::numeric * 1000000)
      when jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^[0-9]{1,20}([.][0-9]{1,20})?$'
        then round((value #>> '{}')::numeric * 1000000)
    end
  $$;

  -- Whether a correction that nothing has taken the place of is the one that stands: among all of one event the one with the greatest time,
  -- then name, and so for each that it descends from. A void beside it leaves nothing standing.
  create function usage.prevails(of_tenant text, of_key uuid) returns boolean
    language sql stable parallel safe as $$
    with recursive line(key, target, depth) as (
      select a.key, a.target, 1 from usage.amendment a
        where a.tenant = of_tenant and a.key = of_key
      union
      select a.key, a.target, line.depth + 1
        from line join usage.amendment a on a.tenant = of_tenant and a.key = line.target
        where line.depth < 64
    )
    select not exists (
      select from line join usage.amendment mine on mine.tenant = of_tenant
          and mine.target = line.target and mine.key = line.key
        join usage.amendment other on other.tenant = of_tenant
          and other.target = line.target and other.key <> line.key
        where other.voids or (other.time, other.key) > (mine.time, mine.key)
    )
  $$;
`

/**
 * Names in one table, so that who writes them in the order of its key goes through it once, and without a
 * time that is finer than the minutes that marks and days ask for.
 */
const KEYS_TOGETHER = `
  alter table usage.event_key rename to event_key_by_hash;
  alter table usage.event_key_by_hash rename constraint event_key_pkey to event_key_by_hash_pkey;
  create table usage.event_key (
    tenant text not null,
    key uuid not null,
    -- Of its event's time, since 1970.
    minute int not null,
    content uuid not null,
    primary key (tenant, key)
  );
  insert into usage.event_key (tenant, key, minute, content)
    select tenant, key, floor(extract(epoch from time) / 60)::int, content from usage.event_key_by_hash
      order by tenant, key;
  drop table usage.event_key_by_hash;
`

/** Numbered steps, for `migrateSteps(client, 'usage', METERING_MIGRATIONS)`. */
export const METERING_MIGRATIONS: readonly string[] = [
  EVENTS + KEY_PARTITIONS + SENDERS + ROLLUPS + FUNCTIONS,
  KEYS_TOGETHER,
]
