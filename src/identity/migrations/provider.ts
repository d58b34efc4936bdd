/**
 * What an OpenID Provider for each realm keeps: settings, more kinds of keys and clients, the
 * artifacts of flows (codes, tokens, sessions, grants), and keys with which users' programs come.
 */
export const PROVIDER_MIGRATION = `
  alter table identity.realm
    -- Goes up with every change of the realm or its signing keys: processes that hold it make it anew.
    add column version bigint not null default 1,
    add column settings jsonb not null default '{}',
    -- The realm's own host. No two realms can have one.
    add column domain text unique,
    -- 256 bits from which keys for cookies and forms are derived, under the sealing key.
    add column sealed_secret bytea;

  create function identity.realm_changed() returns trigger language plpgsql as $$
  begin
    if tg_op = 'UPDATE' then new.version := old.version + 1; end if;
    perform pg_notify('ringfence_realm', coalesce(new.tenant, old.tenant));
    return coalesce(new, old);
  end $$;
  create trigger realm_changed before insert or update or delete on identity.realm
    for each row execute function identity.realm_changed();

  create function identity.signing_key_changed() returns trigger language plpgsql as $$
  begin
    update identity.realm set changed_at = now() where tenant = coalesce(new.tenant, old.tenant);
    return null;
  end $$;
  create trigger signing_key_changed after insert or update or delete on identity.signing_key
    for each row execute function identity.signing_key_changed();

  alter table identity.signing_key
    add column alg text not null default 'ES256' check (alg in ('ES256', 'EdDSA', 'RS256')),
    -- When the realm's settings left its algorithm: from then on it only verifies.
    add column retired_at timestamptz;

  alter table identity.client
    drop constraint client_check,
    add column name text check (length(name) between 1 and 200),
    add column auth_method text not null default 'client_secret_basic'
      check (auth_method in ('client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none')),
    add column grant_types text[] not null default '{client_credentials}',
    add column redirect_uris text[] not null default '{}',
    add column post_logout_redirect_uris text[] not null default '{}',
    add column backchannel_logout_uri text,
    -- From which pages' scripts it may call the realm (CORS).
    add column origins text[] not null default '{}',
    -- The tenant's own: users are not asked about it.
    add column first_party boolean not null default true,
    -- Takes only tokens that are bound to a key (RFC 9449).
    add column dpop_bound boolean not null default false,
    add column id_token_alg text not null default 'ES256'
      check (id_token_alg in ('ES256', 'EdDSA', 'RS256')),
    -- What a client said of itself when it registered itself (RFC 7591), without its secret.
    add column registered jsonb;
  update identity.client set auth_method = 'private_key_jwt' where keys is not null;
  alter table identity.client
    add constraint client_has_what_its_method_needs check (
      (auth_method in ('client_secret_basic', 'client_secret_post')) = (secret_sha256 is not null)
      and (auth_method = 'private_key_jwt') = (keys is not null)
    );

  create table identity.artifact (
    tenant text not null references identity.realm on delete cascade,
    model text not null,
    -- A hash, of what is worth something to whoever has it.
    id text not null,
    payload jsonb not null,
    uid text,
    user_code text,
    grant_id text,
    subject text,
    client text,
    -- Of sessions: from what and from where the user came last.
    device text check (length(device) <= 500),
    address text check (length(address) <= 100),
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    consumed_at timestamptz,
    expires_at timestamptz,
    primary key (tenant, model, id)
  );
  create index artifact_by_uid on identity.artifact (tenant, model, uid) where uid is not null;
  create unique index artifact_by_user_code on identity.artifact (tenant, user_code)
    where user_code is not null;
  create index artifact_by_grant on identity.artifact (tenant, grant_id) where grant_id is not null;
  create index artifact_by_subject on identity.artifact (tenant, subject, model)
    where subject is not null;
  create index artifact_by_client on identity.artifact (tenant, client) where client is not null;
  create index artifact_by_expiry on identity.artifact (expires_at) where expires_at is not null;

  create table identity.api_key (
    tenant text not null,
    id text not null,
    subject text not null,
    label text not null check (length(label) between 1 and 100),
    secret_sha256 bytea not null check (length(secret_sha256) = 32),
    scopes text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (tenant, id),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create unique index api_key_by_secret on identity.api_key (tenant, secret_sha256);
  create index api_key_by_subject on identity.api_key (tenant, subject);
`
