/**
 * What detectors have put on grants for a while: how many calls, or since when somebody must have signed in.
 * They enter it by the one function and lift it by the other, and whoever may call these can do nothing else
 * here.
 */
export const GRANT_RESTRAINTS_MIGRATION = `
  create table registry.grant_restraint (
    tenant text not null references registry.tenant,
    grant_id text not null check (grant_id ~ '^gr-[a-z0-9]{20,40}$'),
    kind text not null check (kind in ('limit', 'challenge')),
    -- Calls in five minutes.
    requests int check (requests between 1 and 10000000),
    since timestamptz not null default clock_timestamp(),
    until timestamptz not null,
    reason text not null check (length(reason) between 1 and 500),
    primary key (tenant, grant_id, kind),
    check ((requests is null) = (kind = 'challenge'))
  );
  -- Tenants of whom it is not yet published.
  create table registry.grant_restraint_change (
    tenant text primary key references registry.tenant
  );
  create function registry.enter_grant_restraint(
      of_tenant text, of_grant text, of_kind text, calls int, ends timestamptz, why text)
    returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      if ends > clock_timestamp() + interval '1 day' then
        raise exception 'longer than a day' using errcode = '22023';
      end if;
      perform from registry.tenant where id = of_tenant and status <> 'erased';
      if not found then return; end if;
      delete from registry.grant_restraint
       where tenant = of_tenant and until < clock_timestamp();
      if (select count(*) from registry.grant_restraint where tenant = of_tenant) >= 500 then
        raise exception 'too many grants are restrained' using errcode = '54000';
      end if;
      insert into registry.grant_restraint as known (tenant, grant_id, kind, requests, until, reason)
        values (of_tenant, of_grant, of_kind, calls, ends, why)
        on conflict (tenant, grant_id, kind) do update
          set requests = excluded.requests, since = excluded.since, reason = excluded.reason,
              until = greatest(known.until, excluded.until);
      insert into registry.grant_restraint_change (tenant) values (of_tenant) on conflict do nothing;
    end $$;
  create function registry.lift_grant_restraint(of_tenant text, of_grant text, of_kind text)
    returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      delete from registry.grant_restraint
       where tenant = of_tenant and grant_id = of_grant and kind = of_kind;
      if not found then return; end if;
      insert into registry.grant_restraint_change (tenant) values (of_tenant) on conflict do nothing;
    end $$;
`

const ENTER = 'registry.enter_grant_restraint(text, text, text, int, timestamptz, text)'
const LIFT = 'registry.lift_grant_restraint(text, text, text)'

/** What the records plane may do of it, as statements of an administrator. */
export function grantRestraintGrants(role: string): readonly string[] {
  return [
    `revoke all on function ${ENTER}, ${LIFT} from public`,
    `grant usage on schema registry to ${role}`,
    `grant execute on function ${ENTER}, ${LIFT} to ${role}`,
  ]
}
