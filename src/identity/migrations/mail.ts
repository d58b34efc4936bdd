/** Mail on its way. What it says is sealed: it holds links that open accounts. */
export const MAIL_MIGRATION = `
  create table identity.mail (
    tenant text not null references identity.realm on delete cascade,
    id text not null check (id ~ '^[A-Za-z0-9_-]{1,40}$'),
    sealed bytea not null,
    made_at timestamptz not null default now(),
    -- Not sent any more from then on: its link is worth nothing.
    expires_at timestamptz not null,
    attempts int not null default 0,
    -- Whoever takes it up puts this off, so that no two processes send it at once.
    next_at timestamptz not null default now(),
    primary key (tenant, id)
  );
  create index mail_due on identity.mail (next_at);
`
