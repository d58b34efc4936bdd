import type { Severity } from '../../../core/finding.ts'
import { literal } from '../connection.ts'
import type { Rule } from './rule.ts'
import type { ServerSubject } from './subject.ts'

interface SettingRule {
  readonly name: string
  /** An SQL condition on `s.setting` (text) that holds when the setting is wrong. */
  readonly wrong: string
  /** What to set; null resets, undefined leaves it to a person. */
  readonly right: string | null | undefined
  readonly severity: Severity
  readonly explanation: string
  /** Only matters when the data must outlive a crash. */
  readonly durability?: true
}

const LITERALS_IN_LOGS =
  'Statements go into the server\u2019s log with what tenants typed into them: values, and passwords that somebody sets.'
const CRASH = 'A crash of the machine may lose leases that were ended, rows, or the whole server.'

/** Libraries that may be loaded into every session. */
const KNOWN_LIBRARIES = ['', 'plpgsql']

const SETTINGS: readonly SettingRule[] = [
  on('fsync', 'high', CRASH, true),
  on('full_page_writes', 'medium', CRASH, true),
  off(
    'allow_system_table_mods',
    'high',
    'Whoever owns a system table may change it, and with it every rule of the server.',
  ),
  off(
    'allow_in_place_tablespaces',
    'low',
    'A test setting is on that lets tablespaces be made without a directory of their own.',
  ),
  off(
    'lo_compat_privileges',
    'high',
    'Privileges on large objects are not checked: every tenant reads and writes all of them.',
  ),
  on(
    'row_security',
    'low',
    'Queries that row security would filter fail instead: tools then turn it off where they can.',
  ),
  on(
    'event_triggers',
    'high',
    'Event triggers do not fire: DDL that opens the boundary is not refused, and ended leases may still log in.',
  ),
  off(
    'db_user_namespace',
    'high',
    'Role names depend on the database, so that one login may pass for another.',
  ),
  {
    name: 'session_replication_role',
    wrong: `s.setting <> 'origin'`,
    right: null,
    severity: 'high',
    explanation:
      'Triggers and event triggers do not fire in ordinary sessions: neither the guard rails nor the application\u2019s own checks run.',
  },
  {
    name: 'password_encryption',
    wrong: `s.setting <> 'scram-sha-256'`,
    right: 'scram-sha-256',
    severity: 'medium',
    explanation: 'New passwords are kept as MD5 hashes, which are themselves enough to log in.',
  },
  {
    name: 'log_statement',
    wrong: `s.setting <> 'none'`,
    right: 'none',
    severity: 'medium',
    explanation: LITERALS_IN_LOGS,
  },
  {
    name: 'log_min_duration_statement',
    wrong: `s.setting::int >= 0`,
    right: '-1',
    severity: 'medium',
    explanation: LITERALS_IN_LOGS,
  },
  {
    name: 'log_min_duration_sample',
    wrong: `s.setting::int >= 0`,
    right: '-1',
    severity: 'medium',
    explanation: LITERALS_IN_LOGS,
  },
  {
    name: 'log_transaction_sample_rate',
    wrong: `s.setting::float8 > 0`,
    right: '0',
    severity: 'medium',
    explanation: LITERALS_IN_LOGS,
  },
  {
    name: 'log_parameter_max_length_on_error',
    wrong: `s.setting::int <> 0`,
    right: '0',
    severity: 'medium',
    explanation:
      'The values that tenants bind go into the server\u2019s log when a statement fails.',
  },
  {
    // PostgreSQL's own default, so no more than a remark; Ringfence's servers have `panic`.
    name: 'log_min_error_statement',
    wrong: `s.setting not in ('panic', 'fatal', 'log')`,
    right: 'panic',
    severity: 'info',
    explanation:
      'Statements that fail go into the server\u2019s log with what tenants typed into them.',
  },
  {
    name: 'debug_print_parse',
    wrong: `s.setting <> 'off'`,
    right: 'off',
    severity: 'medium',
    explanation: LITERALS_IN_LOGS,
  },
  ...['shared_preload_libraries', 'session_preload_libraries', 'local_preload_libraries'].map(
    (name): SettingRule => ({
      name,
      wrong: `exists (select 1 from unnest(string_to_array(replace(s.setting, '"', ''), ',')) one
        where btrim(one) not in (${KNOWN_LIBRARIES.map(literal).join(', ')}))`,
      right: undefined,
      severity: 'medium',
      explanation:
        'A library that Ringfence does not know is loaded into sessions: it may record statements, or change what is allowed.',
    }),
  ),
]

/** One rule for each setting: `pg-setting-log-statement`. */
export const SETTING_RULES: readonly Rule<ServerSubject>[] = [
  ...SETTINGS.map(
    (one): Rule<ServerSubject> => ({
      id: `pg-setting-${one.name.replaceAll('_', '-')}`,
      severity: one.severity,
      explanation: one.explanation,
      sql: ({ throwAway }) =>
        throwAway && one.durability === true
          ? undefined
          : `select format('%s = %s', s.name, s.setting) as object, ${literalOrNull(fixOf(one))} as fix
      from setting s where s.name = ${literal(one.name)} and (${one.wrong})`,
    }),
  ),
  {
    id: 'pg-setting-ssl',
    severity: 'medium',
    explanation:
      'The server listens on a network without TLS: rows travel in clear, and sessions can be taken over on the way.',
    sql: () => `select format('listen_addresses = %s', l.setting) as object, null::text as fix
      from setting l, setting t where l.name = 'listen_addresses' and t.name = 'ssl' and t.setting = 'off'
        and exists (select 1 from unnest(string_to_array(l.setting, ',')) one
          where btrim(one) not in ('', 'localhost', '127.0.0.1', '::1'))`,
  },
]

function on(name: string, severity: Severity, explanation: string, durability?: true): SettingRule {
  const wrong = `s.setting <> 'on'`
  return { name, wrong, right: 'on', severity, explanation, ...(durability ? { durability } : {}) }
}

function off(name: string, severity: Severity, explanation: string): SettingRule {
  return { name, wrong: `s.setting <> 'off'`, right: 'off', severity, explanation }
}

/** ALTER SYSTEM cannot run in a transaction: each statement has a line of its own. */
function fixOf({ name, right }: SettingRule): string | undefined {
  if (right === undefined) return undefined
  const change =
    right === null
      ? `alter system reset ${name}`
      : `alter system set ${name} = ${/^-?\w+$/.test(right) ? right : literal(right)}`
  return `${change};\nselect pg_reload_conf()`
}

function literalOrNull(text: string | undefined): string {
  return text === undefined ? 'null::text' : literal(text)
}
