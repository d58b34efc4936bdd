import { ident } from '../connection.ts'
import { groupRoles, type Names } from '../names.ts'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** System functions, as a pattern on their names, that show or touch what other sessions do. */
export const CLOSED_FUNCTION_PATTERN =
  '^(pg_stat_|pg_advisory|pg_try_advisory|lo_|be_lo_|pg_control_|pg_current_wal|pg_last_|' +
  'pg_current_xact|pg_current_snapshot|txid_|pg_snapshot_|pg_visible_in|pg_xact_|pg_get_wal|' +
  'pg_replication|pg_logical|pg_ls_|pg_read_|pg_sleep|pg_get_shmem|pg_get_backend_memory|pg_wal_|' +
  'pg_prepared_|query_to_|cursor_to_|table_to_|schema_to_|database_to_|pg_stat$)'

/** The same, by exact name. */
export const CLOSED_FUNCTIONS: readonly string[] = words(`
  loread lowrite pg_notify pg_notification_queue_usage pg_listening_channels pg_lock_status
  pg_blocking_pids pg_safe_snapshot_blocking_pids pg_isolation_test_session_is_blocked
  pg_cancel_backend pg_terminate_backend pg_log_backend_memory_contexts pg_relation_size
  pg_total_relation_size pg_table_size pg_indexes_size pg_database_size pg_tablespace_size
  pg_relation_filenode pg_relation_filepath pg_filenode_relation pg_sequence_last_value
  pg_get_sequence_data pg_sequence_parameters setval currval lastval nextval
  pg_export_snapshot pg_get_userbyid pg_postmaster_start_time pg_conf_load_time
  pg_get_replication_slots pg_show_replication_origin_status pg_get_multixact_members
  pg_column_compression pg_available_wal_summaries ts_stat pg_hba_file_rules
  pg_ident_file_mappings pg_show_all_file_settings pg_config pg_get_loaded_modules pg_get_aios
  pg_tablespace_databases pg_tablespace_location pg_describe_object pg_identify_object
  pg_identify_object_as_address pg_get_object_address shobj_description pg_get_acl
  has_database_privilege has_tablespace_privilege has_largeobject_privilege
  pg_database_collation_actual_version mxid_age
`)

/** The same, where another function of that name must stay open: this one counts all transactions. */
export const CLOSED_SIGNATURES: readonly string[] = ['age(xid)']

/** System views and tables, as a pattern on their names, that list other tenants or what they do. */
export const CLOSED_VIEW_PATTERN = '^pg_(stat|statio)_'

/** The same, by exact name. */
export const CLOSED_VIEWS: readonly string[] = words(`
  pg_stats pg_stats_ext pg_stats_ext_exprs pg_statistic pg_statistic_ext pg_statistic_ext_data
  pg_locks pg_roles pg_user pg_group pg_shadow pg_auth_members pg_db_role_setting pg_database
  pg_largeobject_metadata pg_largeobject pg_prepared_xacts pg_prepared_statements pg_cursors
  pg_replication_slots pg_replication_origin pg_replication_origin_status pg_publication
  pg_publication_tables pg_publication_rel pg_sequences pg_sequence pg_user_mappings
  pg_foreign_server pg_foreign_data_wrapper pg_foreign_table pg_shdepend pg_shdescription
  pg_shseclabel pg_seclabels pg_default_acl pg_init_privs pg_parameter_acl pg_policies
  pg_policy pg_settings pg_file_settings pg_config pg_shmem_allocations pg_aios
  pg_shmem_allocations_numa pg_backend_memory_contexts pg_tablespace pg_available_extensions
  pg_available_extension_versions pg_subscription pg_event_trigger pg_hba_file_rules
  pg_ident_file_mappings pg_wait_events
`)

/** Columns of pg_class that tell sizes and volumes, and the ACLs. Drivers and ORMs read none. */
export const CLOSED_CLASS_COLUMNS: readonly string[] = words(`
  reltuples relpages relallvisible relallfrozen relfrozenxid relminmxid relacl relfilenode
`)
/** Columns of pg_proc that hold function bodies and ACLs. */
export const CLOSED_PROC_COLUMNS: readonly string[] = ['prosrc', 'proacl', 'prosqlbody', 'probin']

const list = (values: readonly string[]) => values.map((value) => `'${value}'`).join(', ')

/** Closes, in one database, the catalog's functions and views of above to PUBLIC. */
export const CLOSE_CATALOG = `
do $revokes$
declare r record;
begin
  for r in
    select p.oid::regprocedure as signature, p.prokind from pg_catalog.pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'p')
      and (p.proname ~ '${CLOSED_FUNCTION_PATTERN}' or p.proname in (${list(CLOSED_FUNCTIONS)})
        or p.oid::regprocedure::text in (${list(CLOSED_SIGNATURES)}))
  loop
    execute format('revoke all on %s %s from public',
      case r.prokind when 'p' then 'procedure' else 'function' end, r.signature);
  end loop;
  for r in
    select c.oid::regclass as name from pg_catalog.pg_class c
    where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v')
      and (c.relname ~ '${CLOSED_VIEW_PATTERN}' or c.relname in (${list(CLOSED_VIEWS)}))
  loop
    execute format('revoke all on %s from public', r.name);
  end loop;
  for r in
    select c.oid::regclass as name, string_agg(quote_ident(a.attname), ', ') as columns
    from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
    where c.oid in ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass)
      and a.attnum > 0 and not a.attisdropped
      and a.attname not in (${list([...CLOSED_CLASS_COLUMNS, ...CLOSED_PROC_COLUMNS])})
    group by 1
  loop
    execute format('revoke select on %s from public', r.name);
    execute format('grant select (%s) on %s to public', r.columns, r.name);
  end loop;
end $revokes$;
`

/**
 * Takes away, in one database, what PostgreSQL gives to everybody. Tenants keep what drivers and
 * ORMs need (pg_class, pg_attribute, pg_type …), less the columns that count other tenants' rows.
 * Extensions and later upgrades may bring new objects: `inspect` reports them.
 */
export function revokesSql(names: Names, database: string): string {
  const tenants = groupRoles(names).map(ident).join(', ')
  const owner = ident(names.owner)
  const definer = ident(names.definer)
  return `
revoke all on database ${ident(database)} from public;
revoke all on schema public from public;
revoke usage on language plpgsql from public;
grant usage on language plpgsql to ${owner}, ${definer};

${CLOSE_CATALOG}
grant execute on function pg_catalog.pg_notify(text, text),
  pg_catalog.pg_advisory_xact_lock(bigint) to ${definer};
alter default privileges revoke execute on functions from public;
alter default privileges for role ${owner} revoke execute on functions from public;
alter default privileges for role ${owner} revoke usage on types from public;
alter default privileges for role ${definer} revoke execute on functions from public;
revoke create on database ${ident(database)} from ${tenants};
`
}

/** Closes a database that belongs to the server, not to any tenant (postgres, template1 …). */
export function closeDatabaseSql(database: string): string {
  return `revoke all on database ${ident(database)} from public`
}
