/**
 * What the records plane has to know of the registry to keep and to erase: how long a tenant's log can be
 * read, whether it is on legal hold, and which tenants were erased when. It reads the two views.
 */
export const KEEPING_MIGRATION = `
  create view registry.kept_tenant as
    select tenant.id, tenant.status, tenant.legal_hold,
           (select (generation.spec ->> 'auditDays')::int
              from registry.object_generation as generation
             where generation.owner = '' and generation.kind = 'Plan'
               and generation.name = tenant.plan
             order by generation.generation desc limit 1) as audit_days
      from registry.tenant;
  create view registry.erased_tenant as
    -- To the millisecond, as whoever reads it tells moments apart.
    select tenant, date_trunc('milliseconds', max(at)) as erased_at from registry.status_change
     where to_status = 'erased' group by tenant;
`

/** What the records plane may do of it, as statements of an administrator. */
export function keepingGrants(role: string): readonly string[] {
  return [`grant select on registry.kept_tenant, registry.erased_tenant to ${role}`]
}
