import type { StructureRule } from './rule.ts'

/** What must hold of keys, so that no constraint tells one tenant about another's rows. */
export const KEY_RULES: readonly StructureRule[] = [
  {
    id: 'pg-unique-without-tenant',
    severity: 'high',
    explanation:
      'A unique key is not led by the tenant column: a duplicate-key error tells that another tenant has the value, and on servers with CVE-2026-120154 an upsert reads the row.',
    instead: 'make the tenant column the first column of every primary key and unique constraint',
    guarded: true,
    sql: () => `select format('%s on %s', i.indexrelid::regclass, s.name) as object, null::text as fix
      from subject s join pg_catalog.pg_index i on i.indrelid = s.oid
      where s.tenant_attnum is not null and (i.indisunique or i.indisprimary)
        and not i.indisexclusion and i.indkey[0] is distinct from s.tenant_attnum`,
  },
  {
    id: 'pg-exclusion-without-tenant',
    severity: 'high',
    explanation:
      'An exclusion constraint does not compare the tenant column: a conflict tells what another tenant has booked.',
    instead: 'add the tenant column WITH = to the exclusion constraint',
    guarded: true,
    // Keys WITHOUT OVERLAPS (PostgreSQL 18) are exclusion constraints by another name.
    sql: () => `select format('%I on %s', c.conname, s.name) as object, null::text as fix
      from subject s join pg_catalog.pg_constraint c on c.conrelid = s.oid
      where s.tenant_attnum is not null and c.conexclop is not null and not exists (
        select 1 from unnest(c.conkey, c.conexclop) k(attnum, operator)
        where k.attnum = s.tenant_attnum and k.operator = 'pg_catalog.=(uuid,uuid)'::regoperator)`,
  },
  {
    id: 'pg-index-without-tenant',
    severity: 'medium',
    explanation:
      'An index is not led by the tenant column: a scan of it walks other tenants\u2019 entries, and EXPLAIN ANALYZE counts them.',
    instead: 'make the tenant column the first column of every btree, hash and brin index',
    guarded: true,
    sql: () => `select format('%s on %s', i.indexrelid::regclass, s.name) as object,
        format('drop index %s', i.indexrelid::regclass) as fix
      from subject s join pg_catalog.pg_index i on i.indrelid = s.oid
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        join pg_catalog.pg_am m on m.oid = c.relam
      where s.tenant_attnum is not null and not (i.indisunique or i.indisprimary or i.indisexclusion)
        and m.amname in ('btree', 'hash', 'brin') and i.indkey[0] is distinct from s.tenant_attnum`,
  },
  {
    id: 'pg-foreign-key-without-tenant',
    severity: 'high',
    explanation:
      'A foreign key does not pair the tenant columns: whether an insert succeeds tells whether another tenant has the row, and the row can hang on it.',
    instead:
      'reference (tenant, id) by (tenant, id): FOREIGN KEY (tenant_id, x_id) REFERENCES x (tenant_id, id)',
    guarded: true,
    sql: () => `select format('%I on %s', k.conname, s.name) as object, null::text as fix
      from subject s join pg_catalog.pg_constraint k on k.conrelid = s.oid
        join rel target on target.oid = k.confrelid
      where s.tenant_attnum is not null and k.contype = 'f' and not target.shared and not exists (
        select 1 from unnest(k.conkey, k.confkey) p(here, there)
        where p.here = s.tenant_attnum and p.there = target.tenant_attnum)`,
  },
  {
    id: 'pg-shared-foreign-key-action',
    severity: 'medium',
    explanation:
      'A shared table refers to a table with tenant rows: what one tenant does shows to all.',
    instead: 'let tenant tables refer to shared ones, never the other way round',
    guarded: true,
    sql: () => `select format('%I on %s', k.conname, rel.name) as object,
        format('alter table %s drop constraint %I', rel.name, k.conname) as fix
      from rel join pg_catalog.pg_constraint k on k.conrelid = rel.oid
        join subject s on s.oid = k.confrelid where rel.shared and k.contype = 'f'`,
  },
]
