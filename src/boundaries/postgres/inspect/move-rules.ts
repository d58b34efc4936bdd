import { literal } from '../connection.ts'
import type { Rule } from './rule.ts'
import type { ServerSubject } from './subject.ts'

/** Hours after which a second place is no longer one that somebody is about to fill or to drop. */
const MOVE_HOURS = 24

/** What must hold of tenants' places, of which one may be a second one for a while. */
export const MOVE_RULES: readonly Rule<ServerSubject>[] = [
  {
    id: 'pg-move-unfinished',
    severity: 'low',
    explanation: `A move began more than ${MOVE_HOURS} hours ago and is not finished: the tenant\u2019s data are in two places. Nobody but the administrator reaches the second one.`,
    sql: () => `select format('%s (%s, %s)', m.tenant_id, m.tier, m.phase) as object, null::text as fix
      from custody.move m where m.began_at < clock_timestamp() - interval '${MOVE_HOURS} hours'`,
  },
  {
    id: 'pg-place-unknown',
    severity: 'medium',
    explanation:
      'A database is named like a tenant\u2019s and the ledger knows it neither as a tenant\u2019s place nor as one that is being filled or left: what is in it is in no export and survives every erasure.',
    sql: ({
      names,
    }) => `select d.datname::text as object, format('drop database %I', d.datname) as fix
      from pg_catalog.pg_database d where d.datname ~ ${literal(`^${names.prefix}_[0-9a-f]{32}$`)}
        and not exists (select 1 from custody.tenant t where t.database = d.datname)
        and not exists (select 1 from custody.move m where m.database = d.datname)`,
  },
]
