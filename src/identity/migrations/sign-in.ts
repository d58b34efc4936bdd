/**
 * What users sign in with, what is counted against guessing, and what a sign-in has come to. Secrets
 * of users are hashed, or sealed where they must be read again.
 */
export const SIGN_IN_MIGRATION = `
  create table identity.password (
    tenant text not null,
    subject text not null,
    -- In the PHC string format, with its salt and parameters.
    hash text not null check (length(hash) <= 300),
    must_change boolean not null default false,
    changed_at timestamptz not null default now(),
    primary key (tenant, subject),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create table identity.password_before (
    tenant text not null,
    subject text not null,
    hash text not null check (length(hash) <= 300),
    until timestamptz not null default now(),
    primary key (tenant, subject, hash),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create table identity.totp (
    tenant text not null,
    subject text not null,
    sealed bytea not null,
    -- Null: offered, and not in force yet.
    confirmed_at timestamptz,
    made_at timestamptz not null default now(),
    -- The last time step whose code was taken. Earlier ones are worth nothing.
    last_step bigint not null default 0,
    primary key (tenant, subject),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create table identity.recovery_code (
    tenant text not null,
    subject text not null,
    sha256 bytea not null check (length(sha256) = 32),
    primary key (tenant, subject, sha256),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create table identity.passkey (
    tenant text not null,
    id text not null check (id ~ '^[A-Za-z0-9_-]+$' and length(id) <= 1400),
    subject text not null,
    public_key bytea not null check (length(public_key) <= 2000),
    counter bigint not null,
    transports text[] not null default '{}',
    synced boolean not null,
    label text not null check (length(label) between 1 and 60),
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    primary key (tenant, id),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create index passkey_of_account on identity.passkey (tenant, subject);
  -- Whom a challenge was made for may answer it, once and soon.
  create table identity.passkey_challenge (
    tenant text not null references identity.realm on delete cascade,
    sha256 bytea not null check (length(sha256) = 32),
    holder text not null,
    purpose text not null check (purpose in ('register', 'sign_in')),
    expires_at timestamptz not null,
    primary key (tenant, sha256)
  );
  create index passkey_challenge_of_holder on identity.passkey_challenge (tenant, holder);
  create index passkey_challenge_by_expiry on identity.passkey_challenge (expires_at);
  create table identity.sign_in_attempt (
    tenant text not null references identity.realm on delete cascade,
    id text not null check (id ~ '^[\\x21-\\x7e]{1,200}$'),
    -- What is asked of it.
    demand jsonb not null default '{}',
    subject text,
    amr text[] not null default '{}',
    signed_in_at timestamptz,
    expires_at timestamptz not null,
    primary key (tenant, id),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create index sign_in_attempt_by_expiry on identity.sign_in_attempt (expires_at);
  create table identity.known_device (
    tenant text not null,
    sha256 bytea not null check (length(sha256) = 32),
    subject text not null,
    expires_at timestamptz not null,
    primary key (tenant, sha256, subject),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create index known_device_of_account on identity.known_device (tenant, subject, expires_at);
  -- Tries that count against somebody. A bucket's name is a hash: names that were typed are not kept.
  create table identity.throttle (
    tenant text not null references identity.realm on delete cascade,
    bucket text not null check (length(bucket) <= 100),
    count int not null,
    -- No try counts or is let through before then.
    open_at timestamptz not null,
    -- From then on it is as if nothing had been counted.
    forgotten_at timestamptz not null,
    primary key (tenant, bucket)
  );
  create index throttle_by_expiry on identity.throttle (forgotten_at);
  create table identity.mail_link (
    tenant text not null,
    sha256 bytea not null check (length(sha256) = 32),
    subject text not null,
    purpose text not null check (purpose in ('recovery', 'invitation', 'verify_email')),
    -- Of whom has this link the mailbox is known.
    email_folded text not null,
    expires_at timestamptz not null,
    primary key (tenant, sha256),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create index mail_link_of_account on identity.mail_link (tenant, subject);
  create index mail_link_by_expiry on identity.mail_link (expires_at);
  -- Who asked to recover an account. Entered for every name, so that asking tells nobody anything.
  create table identity.recovery_request (
    tenant text not null references identity.realm on delete cascade,
    id text not null,
    -- Folded, and sealed: whoever reads the database learns no typed name.
    sealed bytea not null,
    asked_at timestamptz not null default now(),
    primary key (tenant, id)
  );
  create index recovery_request_by_age on identity.recovery_request (asked_at);
`
