/** Giving somebody a way into a realm: whom, for whoever decides, and a realm's first user. */
export const REALM_ACCESS_MIGRATION = `
  -- Of a guarded act in a realm: names and addresses of people, until it is decided or has expired.
  alter table registry.approval add column names text;
  create index approval_names on registry.approval (expires_at) where names is not null;
  -- The first user of a tenant that had none, whom one person may enter and invite, once.
  create table registry.first_user (
    tenant text primary key references registry.tenant,
    -- The attempt that enters it, as long as nobody knows how that ended.
    attempt text,
    digest bytea not null check (length(digest) = 32),
    subject text,
    invited boolean not null default false,
    invited_for text
  );
`
