/** The address that a user wants instead, until whoever reads its mail says that it is theirs. */
export const EMAIL_CHANGE_MIGRATION = `
  create table identity.email_change (
    tenant text not null,
    subject text not null,
    -- Of the link's secret.
    sha256 bytea not null check (length(sha256) = 32),
    email text not null check (length(email) <= 320),
    -- Which address it was when it was asked for: after another change this one is nobody's wish.
    before_folded text,
    expires_at timestamptz not null,
    primary key (tenant, subject),
    unique (tenant, sha256),
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create index email_change_by_expiry on identity.email_change (expires_at);
`
