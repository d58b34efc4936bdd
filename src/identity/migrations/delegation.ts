/**
 * Tokens that were issued under grants, in the record of each of both tenants: its own row, which goes
 * with its own realm.
 */
export const DELEGATION_MIGRATION = `
  create table identity.grant_use (
    tenant text not null references identity.realm on delete cascade,
    grant_id text not null check (grant_id ~ '^gr-[a-z0-9]{20,40}$'),
    -- Of the token that was issued.
    jti text not null,
    side text not null check (side in ('grantor', 'grantee')),
    scopes text[] not null,
    -- In milliseconds, as it is shown: pages are cut by it.
    at timestamptz(3) not null default now(),
    primary key (tenant, grant_id, jti)
  );
  create index grant_use_by_time on identity.grant_use (tenant, at, jti);
  create index grant_use_of_grant on identity.grant_use (tenant, grant_id, at, jti);
`
