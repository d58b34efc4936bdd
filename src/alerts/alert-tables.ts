/**
 * Alerts, silences and what is on its way, in a database: numbered steps for the schema `alerts`, which
 * is there and in which the role that runs them may make tables. A step is never changed.
 */
export const ALERT_MIGRATIONS: readonly string[] = [
  `create table alerts.alert (
     owner text not null,
     fingerprint text not null,
     signal jsonb not null,
     since timestamptz not null,
     changed_at timestamptz not null,
     told_severity text,
     told_at timestamptz,
     primary key (owner, fingerprint)
   );
   create table alerts.silence (
     owner text not null,
     id uuid not null,
     name text,
     labels jsonb not null,
     until timestamptz not null,
     set_by text not null,
     reason text not null,
     primary key (owner, id)
   );
   create table alerts.message (
     owner text not null,
     notice uuid not null,
     sink text not null,
     body jsonb not null,
     entered_at timestamptz not null default clock_timestamp(),
     next_at timestamptz not null default clock_timestamp(),
     attempts int not null default 0,
     last_error text,
     delivered_at timestamptz,
     given_up_at timestamptz,
     primary key (owner, notice, sink)
   );
   create index message_due on alerts.message (next_at)
     where delivered_at is null and given_up_at is null`,
  `create table alerts.sink (
     owner text not null,
     name text not null check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
     -- Where it is. There is no secret in it.
     settings jsonb not null,
     -- Sealed with the logs' key.
     secrets bytea not null,
     set_by text not null,
     set_at timestamptz not null default clock_timestamp(),
     primary key (owner, name)
   )`,
  `-- Who has agreed to be told by mail.
   create table alerts.mail_address (
     owner text not null,
     address text not null,
     -- Who was given the code that went there.
     told_by text not null,
     told_at timestamptz not null default clock_timestamp(),
     primary key (owner, address)
   );
   create table alerts.mail_code (
     owner text not null,
     id uuid not null default gen_random_uuid(),
     address text not null,
     -- Its SHA-256.
     code bytea not null,
     tries_left int not null,
     asked_at timestamptz not null default clock_timestamp(),
     primary key (owner, id)
   );
   -- How much mail went on a day.
   create table alerts.mail_day (
     owner text not null,
     day date not null,
     mails int not null,
     primary key (owner, day)
   )`,
]

/** Days for which delivered messages are kept, so that it can be seen what was told. */
export const MESSAGE_DAYS = 30
