import { TIERS } from '../../../core/tenant.ts'
import { keyOffset } from '../names.ts'
import { type PostgresMutant, sqlMutant } from './postgres-mutant.ts'

/** Another answer to the question who the tenant is. */
export const IDENTITY_MUTANTS: readonly PostgresMutant[] = [
  sqlMutant(
    {
      id: 'pg-tenant-by-setting',
      title: 'The guard calls rf.tenant(), and that reads a setting that the session may change',
      tiers: TIERS,
    },
    (side) => `create or replace function rf.tenant() returns uuid language sql stable return
      coalesce(nullif(current_setting('app.tenant_id', true), ''), substr(session_user::text, ${keyOffset(side.site.names)}, 32))::uuid;
      alter policy ringfence_guard on ground.note using (tenant_id = (select rf.tenant()))`,
  ),
  sqlMutant(
    {
      id: 'pg-tenant-by-lookup',
      title:
        'rf.tenant() looks into a table, as its definer and by a search path that tenants lead',
    },
    (side) => `create table rf.principal (role_name name primary key, tenant_id uuid);
      insert into rf.principal select r.rolname, substr(r.rolname, ${keyOffset(side.site.names)}, 32)::uuid
        from pg_roles r where r.rolname ~ '_[rwx][0-9]$' and r.rolname ~ '^${side.site.names.prefix}_[0-9a-f]{32}_';
      create or replace function rf.tenant() returns uuid language plpgsql stable security definer
        set search_path = rf, public as 'begin return (select p.tenant_id from principal p where p.role_name = session_user); end'`,
  ),
  sqlMutant(
    { id: 'pg-tenant-volatile', title: 'rf.tenant() VOLATILE: computed for every row' },
    () => 'alter function rf.tenant() volatile',
  ),
  sqlMutant(
    { id: 'pg-tenant-immutable', title: 'rf.tenant() IMMUTABLE: folded into cached plans' },
    () => 'alter function rf.tenant() immutable',
  ),
]
