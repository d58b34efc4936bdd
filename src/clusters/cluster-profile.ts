import { RingfenceError } from '../core/errors.ts'
import { majorOf } from './server-binaries.ts'

/** What a cluster is for, which decides its size. A silo is cheap enough to have hundreds of. */
export type ClusterProfile = 'control' | 'cell' | 'silo'

export type Settings = Readonly<Record<string, string>>

// Nothing here replicates or archives, so write-ahead logging is what crash recovery needs.
const COMMON: Settings = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  password_encryption: 'scram-sha-256',
  authentication_timeout: '10s',
  fsync: 'on',
  full_page_writes: 'on',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  shared_preload_libraries: 'plpgsql',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  // Failing statements may hold a password (ALTER ROLE), and error messages a tenant's data: neither
  // is ever logged. `log` is above `error`: the server's own events, and what ends a session.
  log_min_messages: 'log',
  log_statement: 'none',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_error_verbosity: 'terse',
  log_connections: 'off',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
}

const PROFILES: Readonly<Record<ClusterProfile, Settings>> = {
  control: { max_connections: '100', superuser_reserved_connections: '5', temp_file_limit: '1GB' },
  cell: { max_connections: '220', superuser_reserved_connections: '5', temp_file_limit: '1GB' },
  silo: {
    max_connections: '20',
    superuser_reserved_connections: '3',
    temp_file_limit: '256MB',
    shared_buffers: '16MB',
    autovacuum_max_workers: '1',
    max_worker_processes: '2',
    max_parallel_workers: '0',
    min_wal_size: '32MB',
    max_wal_size: '128MB',
  },
}

/** Where the server is found and where its files are is this module's own business. */
const OURS = new Set([
  'config_file',
  'data_directory',
  'external_pid_file',
  'hba_file',
  'ident_file',
  'log_destination',
  'logging_collector',
  'port',
  'unix_socket_directories',
  'unix_socket_permissions',
])

/** All settings of a cluster of this profile and server version; `overrides` win. */
export function profileSettings(
  profile: ClusterProfile,
  version: number,
  overrides: Settings,
): Settings {
  const settings: Record<string, string> = { ...COMMON, ...PROFILES[profile] }
  if (majorOf(version) >= 18) {
    // The default starts workers that cost more memory than they save on a local disk.
    settings['io_method'] = 'sync'
    settings['log_connections'] = ''
    if (profile === 'silo') settings['autovacuum_worker_slots'] = '1'
  }
  return { ...settings, ...overrides }
}

/**
 * Refuses overrides that would put the cluster out of reach or onto a network.
 * @throws RingfenceError `invalid_argument`
 */
export function checkOverrides(overrides: Settings): void {
  for (const [name, value] of Object.entries(overrides)) {
    if (!/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)?$/.test(name) || OURS.has(name)) {
      throw new RingfenceError('invalid_argument', `${JSON.stringify(name)} cannot be set here`)
    }
    if (/[\0\r\n]/.test(value)) {
      throw new RingfenceError('invalid_argument', `the value of ${name} must be one line`)
    }
  }
  const listen = overrides['listen_addresses'] ?? ''
  if (listen !== '' && listen !== '127.0.0.1') {
    throw new RingfenceError(
      'invalid_argument',
      'an embedded cluster listens on its unix socket, and on 127.0.0.1 if listen_addresses says so; for a network use an external server',
    )
  }
}

/** The text of postgresql.conf. */
export function configurationFile(settings: Settings): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  )
  return `# Written by Ringfence at every start.\n${lines.join('\n')}\n`
}

/** The text of pg_hba.conf: passwords by SCRAM, and only from where the server listens. */
export function accessFile(settings: Settings): string {
  const tcp = settings['listen_addresses'] === '' ? '' : 'host all all 127.0.0.1/32 scram-sha-256\n'
  return `# Written by Ringfence at every start.\nlocal all all scram-sha-256\n${tcp}`
}
