/**
 * Users, groups and roles of realms. A user's name and address are compared in the folded form that
 * `foldName` makes, which is also what is kept to compare with: databases fold in their own ways.
 */
export const DIRECTORY_MIGRATION = `
  alter table identity.account
    add column user_name text,
    add column user_name_folded text,
    add column email text,
    add column email_folded text,
    add column email_verified boolean not null default false,
    add column display_name text check (length(display_name) between 1 and 200),
    add column display_name_folded text,
    add column given_name text check (length(given_name) between 1 and 200),
    add column given_name_folded text,
    add column family_name text check (length(family_name) between 1 and 200),
    add column family_name_folded text,
    -- What the source of provisioning calls the user (RFC 7643, section 3.1).
    add column external_id text check (length(external_id) between 1 and 500),
    add column active boolean not null default true,
    -- Goes up with every change: the entity tag.
    add column version bigint not null default 1,
    add column created_at timestamptz not null default now();
  create unique index account_by_name on identity.account (tenant, user_name_folded);
  create unique index account_by_email on identity.account (tenant, email_folded)
    where email_verified;
  create index account_by_any_email on identity.account (tenant, email_folded);
  create unique index account_by_external_id on identity.account (tenant, external_id);

  create table identity.role (
    tenant text not null references identity.realm on delete cascade,
    name text not null check (name ~ '^[a-z][a-z0-9:._-]{0,99}$'),
    description text not null default '' check (length(description) <= 500),
    scopes text[] not null default '{}',
    changed_at timestamptz not null default now(),
    primary key (tenant, name)
  );
  -- Who has the senior role has the junior one as well. Without cycles: the writer sees to it.
  create table identity.role_includes (
    tenant text not null,
    senior text not null,
    junior text not null,
    primary key (tenant, senior, junior),
    foreign key (tenant, senior) references identity.role on delete cascade,
    foreign key (tenant, junior) references identity.role on delete cascade
  );
  create table identity.user_group (
    tenant text not null references identity.realm on delete cascade,
    id text not null check (id ~ '^[\\x21-\\x7e]{1,200}$'),
    display_name text not null check (length(display_name) between 1 and 200),
    display_name_folded text not null,
    external_id text check (length(external_id) between 1 and 500),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    primary key (tenant, id)
  );
  create unique index user_group_by_external_id on identity.user_group (tenant, external_id);
  create table identity.group_member (
    tenant text not null,
    group_id text not null,
    subject text not null,
    primary key (tenant, group_id, subject),
    foreign key (tenant, group_id) references identity.user_group on delete cascade,
    foreign key (tenant, subject) references identity.account on delete cascade
  );
  create index group_member_by_subject on identity.group_member (tenant, subject);
  -- A role at a place in the tenant's own hierarchy: '' is all of it, 'ward/north' that part and what
  -- is below it. The nearest binding wins; of two as near, the one that withholds.
  create table identity.role_binding (
    tenant text not null,
    id text not null,
    subject text,
    group_id text,
    role text not null,
    place text not null default '' check (place ~ '^([a-z0-9_-]+(/[a-z0-9_-]+){0,15})?$'),
    effect text not null default 'grant' check (effect in ('grant', 'withhold')),
    made_at timestamptz not null default now(),
    primary key (tenant, id),
    check ((subject is null) <> (group_id is null)),
    foreign key (tenant, subject) references identity.account on delete cascade,
    foreign key (tenant, group_id) references identity.user_group on delete cascade,
    foreign key (tenant, role) references identity.role on delete cascade
  );
  create unique index role_binding_once on identity.role_binding
    (tenant, coalesce(subject, ''), coalesce(group_id, ''), role, place);
`
