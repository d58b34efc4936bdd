import {
  alteredSql,
  callableSql,
  callersOfCustody,
  reachableSql,
  strangeSql,
} from './own-function-rules.ts'
import { ownFunctionsOfCustody } from './own-functions.ts'
import { literal } from '../connection.ts'
import type { Rule } from './rule.ts'
import type { ServerSubject } from './subject.ts'

/** What must hold of the ledger, and of what the custodian may do with it. */
export const CUSTODY_RULES: readonly Rule<ServerSubject>[] = [
  {
    id: 'pg-custody-function-altered',
    severity: 'critical',
    explanation:
      'A custody function is missing or not as it was installed: it runs as a superuser and makes the logins that tenants are told apart by.',
    sql: ({ names }) => alteredSql(ownFunctionsOfCustody(names)),
  },
  {
    id: 'pg-custody-stranger',
    severity: 'high',
    explanation: 'A function that is not Ringfence\u2019s own is in the schema of the ledger.',
    sql: ({ names }) => strangeSql(ownFunctionsOfCustody(names), 'custody'),
  },
  {
    id: 'pg-custody-function-open',
    severity: 'critical',
    explanation:
      'Somebody may call a custody function who should not: with them logins are opened, ended and entered.',
    sql: ({ names }) => callableSql('custody', callersOfCustody(names)),
  },
  {
    id: 'pg-custody-table-open',
    severity: 'critical',
    explanation:
      'Somebody may read or write the ledger itself, the custodian included: whoever writes it decides which tenant a lease is for.',
    sql: () => reachableSql('custody'),
  },
  {
    id: 'pg-custody-schema-open',
    severity: 'high',
    explanation:
      'Somebody besides the custodian may use the schema of the ledger, or create in it.',
    sql: ({ names }) => `
      select format('%s to %s', e.privilege_type, coalesce(quote_ident(r.rolname), 'public')) as object,
        format('revoke %s on schema custody from %s', lower(e.privilege_type), coalesce(quote_ident(r.rolname), 'public')) as fix
      from pg_catalog.pg_namespace n, lateral aclexplode(n.nspacl) e left join role r on r.oid = e.grantee
      where n.nspname = 'custody' and e.grantee <> n.nspowner
        and not (coalesce(r.rolname = ${literal(names.custodian)}, false) and e.privilege_type = 'USAGE')`,
  },
]
