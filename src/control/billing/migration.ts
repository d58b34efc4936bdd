/**
 * What billing has to know of the registry, written with the act: who was on which plan when, and the
 * prices of all generations. And what it says back: which quotas are used up. The records plane reads the
 * three views and calls the one function, and nothing else here.
 */
export const BILLING_MIGRATION = `
  create table registry.plan_span (
    tenant text not null references registry.tenant,
    began_at timestamptz not null,
    -- Null: nothing is billed from then on.
    plan text,
    -- The tenant was erased: who has the id later is somebody else.
    gone boolean not null default false,
    primary key (tenant, began_at)
  );
  create function registry.billed_plan(status text, plan text) returns text
    language sql immutable set search_path = pg_catalog, pg_temp
    as $$ select case when status in ('active', 'suspended', 'moving') then plan end $$;
  create function registry.enter_plan_span() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
      present text := registry.billed_plan(new.status, new.plan);
      past record;
    begin
      select span.plan, span.gone into past from registry.plan_span as span
       where span.tenant = new.id order by span.began_at desc limit 1;
      if new.status = 'erased' and past.gone is not true or past.plan is distinct from present then
        insert into registry.plan_span (tenant, began_at, plan, gone)
          values (new.id, clock_timestamp(), present, new.status = 'erased')
          on conflict (tenant, began_at) do update
            set plan = excluded.plan, gone = excluded.gone;
      end if;
      return null;
    end $$;
  create trigger plan_span after insert or update of status, plan on registry.tenant
    for each row execute function registry.enter_plan_span();
  -- Of tenants that are there already it is known since when they are active, and the present plan.
  insert into registry.plan_span (tenant, began_at, plan)
    select tenant.id, coalesce(min(change.at), tenant.created_at),
           registry.billed_plan(tenant.status, tenant.plan)
      from registry.tenant
      left join registry.status_change as change
        on change.tenant = tenant.id and change.to_status = 'active'
     where registry.billed_plan(tenant.status, tenant.plan) is not null
     group by tenant.id;
  create view registry.billed_span as
    select tenant, began_at, plan, gone,
           lead(began_at) over (partition by tenant order by began_at) as ended_at
      from registry.plan_span;
  create view registry.plan_price as
    select name as plan, generation, at, spec -> 'billing' as billing
      from registry.object_generation where owner = '' and kind = 'Plan';
  create view registry.billed_tenant as
    select id, display_name, region, tier, plan, status from registry.tenant;

  create table registry.spent_quota (
    tenant text not null references registry.tenant,
    name text not null,
    meter text not null,
    until timestamptz not null,
    hard boolean not null,
    primary key (tenant, name)
  );
  -- Tenants of whom it is not yet published.
  create table registry.spent_quota_change (
    tenant text primary key references registry.tenant
  );
  create function registry.enter_spent_quotas(of_tenant text, spent jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    begin
      perform from registry.tenant where id = of_tenant and status <> 'erased';
      if not found then return; end if;
      delete from registry.spent_quota where tenant = of_tenant;
      insert into registry.spent_quota (tenant, name, meter, until, hard)
        select of_tenant, one.name, one.meter, one.until, one.hard
          from jsonb_to_recordset(spent)
            as one (name text, meter text, until timestamptz, hard boolean)
         limit 60;
      insert into registry.spent_quota_change (tenant) values (of_tenant) on conflict do nothing;
    end $$;
`

/** What the records plane may do of it, as statements of an administrator. */
export function billingGrants(role: string): readonly string[] {
  return [
    `grant usage on schema registry to ${role}`,
    `grant select on registry.billed_span, registry.plan_price, registry.billed_tenant to ${role}`,
    `grant execute on function registry.enter_spent_quotas(text, jsonb) to ${role}`,
  ]
}
