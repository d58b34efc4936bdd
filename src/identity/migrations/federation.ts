/**
 * Sign-in through the identity providers of tenants. Every row is of one tenant and one connection:
 * two tenants that use the same provider have nothing in common here.
 */
export const FEDERATION_MIGRATION = `
  -- Issuers and entity ids that a realm may federate with. A connection to another one does nothing.
  create table identity.federation_source (
    tenant text not null references identity.realm on delete cascade,
    kind text not null check (kind in ('oidc', 'saml')),
    source text not null check (length(source) between 1 and 1024),
    allowed_at timestamptz not null default now(),
    primary key (tenant, kind, source)
  );
  create table identity.federation_connection (
    tenant text not null references identity.realm on delete cascade,
    id text not null check (id ~ '^[a-z][a-z0-9-]{0,39}$'),
    kind text not null check (kind in ('oidc', 'saml')),
    display_name text not null check (length(display_name) between 1 and 200),
    enabled boolean not null,
    config jsonb not null,
    -- Under the sealing key, bound to tenant and connection.
    secrets bytea,
    -- Certificates of the keys in secrets, for the service provider's metadata.
    certificates jsonb,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    primary key (tenant, id)
  );
  -- A sign-in under way. Found by what only the provider's answer brings back and the browser's own
  -- cookie, both as SHA-256; used once.
  create table identity.federation_request (
    tenant text not null,
    state_sha256 bytea not null check (length(state_sha256) = 32),
    connection text not null,
    binding_sha256 bytea not null check (length(binding_sha256) = 32),
    interaction text not null check (length(interaction) between 1 and 200),
    stage text not null default 'sent' check (stage in ('sent', 'taken', 'done')),
    -- What the answer is checked against.
    nonce text,
    code_verifier text,
    message_id text,
    outcome jsonb,
    expires_at timestamptz not null,
    primary key (tenant, state_sha256),
    foreign key (tenant, connection) references identity.federation_connection on delete cascade
  );
  create index federation_request_by_expiry on identity.federation_request (expires_at);
  create index federation_request_by_interaction
    on identity.federation_request (tenant, interaction);
  -- Assertions that were used, until none of that id could be valid any more.
  create table identity.federation_used (
    tenant text not null,
    connection text not null,
    id_sha256 bytea not null check (length(id_sha256) = 32),
    expires_at timestamptz not null,
    primary key (tenant, connection, id_sha256),
    foreign key (tenant, connection) references identity.federation_connection on delete cascade
  );
  create index federation_used_by_expiry on identity.federation_used (expires_at);
  -- Who at the provider is which user here. The provider's own name is part of it: a connection
  -- that is pointed at another provider finds nobody.
  create table identity.federation_link (
    tenant text not null,
    connection text not null,
    source text not null check (length(source) between 1 and 1024),
    external_subject text not null check (length(external_subject) between 1 and 1024),
    subject text not null,
    linked_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    primary key (tenant, connection, source, external_subject),
    foreign key (tenant, connection) references identity.federation_connection on delete cascade,
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  -- One person at the provider for one user: an address that went to somebody else takes nothing over.
  create unique index federation_link_by_subject
    on identity.federation_link (tenant, connection, subject);
  create table identity.federation_domain (
    tenant text not null,
    connection text not null,
    domain text not null check (domain ~ '^[a-z0-9-]+(\\.[a-z0-9-]+)+$' and length(domain) <= 253),
    -- What the domain's DNS has to show.
    token text not null check (token ~ '^[A-Za-z0-9_-]{43}$'),
    claimed_at timestamptz not null default now(),
    -- When it was last seen there; null when it was not, or no longer.
    verified_at timestamptz,
    checked_at timestamptz,
    primary key (tenant, connection, domain),
    foreign key (tenant, connection) references identity.federation_connection on delete cascade
  );
  create index federation_domain_by_name on identity.federation_domain (domain);
  create index federation_domain_by_check on identity.federation_domain (checked_at)
    where verified_at is not null;
`
