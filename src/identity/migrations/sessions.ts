/**
 * Sessions of users, whichever store has what the provider keeps of them: a session is one while its
 * row says so. Besides: which clients are still to be told of an end, and what realms have in Redis.
 */
export const SESSIONS_MIGRATION = `
  create table identity.session (
    tenant text not null references identity.realm on delete cascade,
    -- What the provider calls its uid: it stays when what the cookie holds changes.
    id text not null check (length(id) between 1 and 100),
    subject text not null,
    -- SHA-256 of what the cookie holds.
    cookie text not null,
    -- Those before it. What comes with one of them changes nothing.
    retired text[] not null default '{}',
    device text not null check (length(device) between 1 and 100),
    user_agent text check (length(user_agent) <= 500),
    address text check (length(address) <= 100),
    acr text,
    amr text[] not null default '{}',
    started_at timestamptz not null,
    -- Later than its start when the user has signed in again.
    signed_in_at timestamptz not null,
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- Kept for a while after that: a request that began before must not bring it back.
    ended_at timestamptz,
    -- Nothing of it is left in Redis.
    cleared boolean not null default false,
    primary key (tenant, id),
    unique (tenant, cookie)
  );
  create index session_of_subject on identity.session (tenant, subject);
  create index session_by_sign_in on identity.session (tenant, signed_in_at desc, id desc);
  create index session_by_expiry on identity.session (expires_at);
  create index session_to_clear on identity.session (ended_at)
    where ended_at is not null and not cleared;

  create table identity.session_client (
    tenant text not null,
    session text not null,
    client text not null,
    -- In the tokens that the client got.
    sid text not null,
    grant_id text,
    primary key (tenant, session, client),
    foreign key (tenant, session) references identity.session on delete cascade
  );
  create index session_client_by_client on identity.session_client (tenant, client);
  create index session_client_by_sid on identity.session_client (tenant, sid);

  -- Who signed in until then is not signed in: of a user, or of everybody where the subject is empty.
  create table identity.session_cutoff (
    tenant text not null references identity.realm on delete cascade,
    subject text not null,
    at timestamptz not null default now(),
    primary key (tenant, subject)
  );

  -- Which client has yet to be told that a session has ended (OpenID Connect Back-Channel Logout).
  create table identity.logout_notice (
    tenant text not null references identity.realm on delete cascade,
    id uuid not null default gen_random_uuid(),
    client text not null,
    subject text not null,
    sid text not null,
    attempts int not null default 0,
    due_at timestamptz not null default now(),
    primary key (tenant, id)
  );
  create index logout_notice_by_due on identity.logout_notice (due_at);

  -- Who a realm is in Redis, where sessions are there. The name is never used again.
  create table identity.session_redis (
    tenant text primary key references identity.realm on delete cascade,
    key text not null unique check (key ~ '^[0-9a-f]{24}$'),
    sealed_password bytea not null
  );
  -- Whose user in Redis is still to be deleted.
  create table identity.session_redis_gone (
    tenant text not null,
    key text not null,
    primary key (tenant, key)
  );
  create function identity.session_redis_gone() returns trigger language plpgsql as $$
  begin
    insert into identity.session_redis_gone (tenant, key) values (old.tenant, old.key);
    return null;
  end $$;
  create trigger session_redis_gone after delete on identity.session_redis
    for each row execute function identity.session_redis_gone();
`
