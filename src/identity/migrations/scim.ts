/** Tokens with which a tenant's source of provisioning calls the SCIM server of its realm. */
export const SCIM_MIGRATION = `
  create table identity.scim_token (
    tenant text not null references identity.realm on delete cascade,
    id text not null check (id ~ '^[A-Za-z0-9_-]{1,40}$'),
    name text not null check (length(name) between 1 and 100),
    -- The token itself is not kept.
    sha256 bytea not null check (length(sha256) = 32),
    -- Whether the addresses that are written with it count as verified.
    emails_verified boolean not null,
    made_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- To the minute.
    last_used_at timestamptz,
    primary key (tenant, id)
  );
  create unique index scim_token_by_hash on identity.scim_token (tenant, sha256);
`
