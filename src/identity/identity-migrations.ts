import { DELEGATION_MIGRATION } from './migrations/delegation.ts'
import { DIRECTORY_MIGRATION } from './migrations/directory.ts'
import { EMAIL_CHANGE_MIGRATION } from './migrations/email-change.ts'
import { FEDERATION_MIGRATION } from './migrations/federation.ts'
import { FEDERATION_SESSIONS_MIGRATION } from './migrations/federation-sessions.ts'
import { MAIL_MIGRATION } from './migrations/mail.ts'
import { PROVIDER_MIGRATION } from './migrations/provider.ts'
import { SCIM_MIGRATION } from './migrations/scim.ts'
import { SESSIONS_MIGRATION } from './migrations/sessions.ts'
import { SIGN_IN_MIGRATION } from './migrations/sign-in.ts'
import { SUPPORT_MIGRATION } from './migrations/support.ts'

/** The schema `identity`, as numbered steps: the first is number 1. A step is never changed. */
export const IDENTITY_MIGRATIONS: readonly string[] = [
  `create table identity.realm (
     tenant text primary key check (tenant ~ '^[a-z][a-z0-9-]{0,39}$'),
     issuer text not null unique,
     display_name text not null check (length(display_name) between 1 and 200),
     open boolean not null default true,
     created_at timestamptz not null default now(),
     changed_at timestamptz not null default now()
   );
   create table identity.signing_key (
     kid text primary key,
     tenant text not null references identity.realm on delete cascade,
     public_jwk jsonb not null,
     -- The private part, under the sealing key, bound to tenant and kid.
     sealed bytea not null,
     made_at timestamptz not null default now(),
     -- Null until the control plane has been given it: nobody could verify what it signs.
     usable_from timestamptz
   );
   create index signing_key_of_realm on identity.signing_key (tenant, usable_from);
   create table identity.account (
     tenant text not null references identity.realm on delete cascade,
     subject text not null check (subject ~ '^[\\x21-\\x7e]{1,200}$'),
     roles text[] not null,
     scopes text[] not null,
     changed_at timestamptz not null default now(),
     primary key (tenant, subject)
   );
   create table identity.client (
     tenant text not null references identity.realm on delete cascade,
     client text not null check (client ~ '^[a-z][a-z0-9-]{0,39}$'),
     roles text[] not null,
     scopes text[] not null,
     -- One way to authenticate, and no other: SHA-256 of a random secret, or public keys.
     secret_sha256 bytea check (length(secret_sha256) = 32),
     keys jsonb,
     changed_at timestamptz not null default now(),
     primary key (tenant, client),
     check ((secret_sha256 is null) <> (keys is null))
   );
   create table identity.used_assertion (
     id text primary key,
     expires_at timestamptz not null
   );
   create index used_assertion_by_expiry on identity.used_assertion (expires_at)`,
  DIRECTORY_MIGRATION,
  PROVIDER_MIGRATION,
  SCIM_MIGRATION,
  SIGN_IN_MIGRATION,
  MAIL_MIGRATION,
  FEDERATION_MIGRATION,
  SESSIONS_MIGRATION,
  SUPPORT_MIGRATION,
  FEDERATION_SESSIONS_MIGRATION,
  EMAIL_CHANGE_MIGRATION,
  DELEGATION_MIGRATION,
]
