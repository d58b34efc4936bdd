import { groupRoles, keyOffset, type Names } from '../names.ts'
import { ident } from '../connection.ts'

/**
 * Who the tenant is, read out of the *authenticated* login's own name. For any login that is not a
 * tenant's the cast raises: it fails closed. Policies and defaults hold the expression itself, not a
 * call of rf.tenant(): there is nothing that could be replaced, and a statement that is not prepared
 * is planned 10 to 15 microseconds sooner, because there is no function to inline.
 */
export function tenantSql(names: Names): string {
  return `(substr(session_user::text, ${keyOffset(names)}, 32))::uuid`
}

/** `tenantSql` as PostgreSQL prints it. */
export function tenantPrinted(names: Names): string {
  return `(substr((SESSION_USER)::text, ${keyOffset(names)}, 32))::uuid`
}

/**
 * Schema rf: `rf.tenant()` for the application's own statements, and the few services that tenants
 * get in place of engine features that know no tenants (channels, locks).
 *
 * `rf.tenant()` has no SET clause, reads no table and is not SECURITY DEFINER, so that the planner
 * inlines it; a body in the SQL standard's form is parsed once, at creation, so that no search_path
 * changes its meaning.
 */
export function identitySql(names: Names): string {
  const tenants = groupRoles(names).map(ident).join(', ')
  const definer = ident(names.definer)
  return `
create schema rf;
revoke all on schema rf from public;

create function rf.tenant() returns uuid language sql stable parallel safe
  return ${tenantSql(names)};

create table rf.secret (id boolean primary key default true check (id), pad bytea not null);
insert into rf.secret (pad)
  select decode(string_agg(md5(gen_random_uuid()::text), ''), 'hex') from generate_series(1, 4);
alter table rf.secret owner to ${definer};

create function rf.channel(topic text) returns text language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp as $$
begin
  return 'rf_' || left(encode(sha256((select s.pad from rf.secret s)
    || convert_to(rf.tenant()::text || '/' || topic, 'UTF8')), 'hex'), 48);
end $$;

create function rf.notify(topic text, payload text) returns void language plpgsql volatile
  security definer set search_path = pg_catalog, pg_temp as $$
begin perform pg_notify(rf.channel(topic), payload); end $$;

create function rf.lock(topic text) returns void language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(('x' || left(encode(sha256((select s.pad from rf.secret s)
    || convert_to('lock/' || rf.tenant()::text || '/' || topic, 'UTF8')), 'hex'), 16))::bit(64)::bigint);
end $$;

alter function rf.channel(text) owner to ${definer};
alter function rf.notify(text, text) owner to ${definer};
alter function rf.lock(text) owner to ${definer};
revoke all on all functions in schema rf from public;
grant usage on schema rf to ${tenants}, ${ident(names.owner)}, ${definer};
grant execute on function rf.tenant(), rf.channel(text), rf.notify(text, text), rf.lock(text)
  to ${tenants};
grant execute on function rf.tenant() to ${ident(names.owner)}, ${definer};

create schema rf_delete;
revoke all on schema rf_delete from public;
grant usage on schema rf_delete to ${tenants};
`
}

/** The body of rf.tenant() as PostgreSQL prints it. */
export function tenantBodyPrinted(names: Names): string {
  return `RETURN ${tenantPrinted(names)}`
}

/** What every guard compares the tenant column with, as PostgreSQL prints it: once a statement. */
export function guardPrinted(names: Names): string {
  return `( SELECT ${tenantPrinted(names)} AS substr)`
}
