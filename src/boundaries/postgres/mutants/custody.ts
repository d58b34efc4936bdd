import { ident, literal } from '../connection.ts'
import { type PostgresMutant, roleMutant } from './postgres-mutant.ts'

/** The ledger, and what it says of the logins. */
export const CUSTODY_MUTANTS: readonly PostgresMutant[] = [
  roleMutant(
    {
      id: 'pg-lease-ended-on-paper',
      title: 'A lease that ended in the ledger, its login still open',
    },
    async (side, arena) => {
      const login = literal((await arena.login(side)).user)
      return {
        database: side.site.names.custodyDatabase,
        sql: `update custody.lease set ended_at = now() - interval '1 hour', ended_why = 'mutant' where role_name = ${login} and ended_at is null`,
        undo: `update custody.lease set ended_at = null, ended_why = null where role_name = ${login} and ended_why = 'mutant'`,
      }
    },
  ),
  roleMutant(
    { id: 'pg-ledger-readable', title: 'The ledger itself granted to the custodian' },
    ({ site: { names } }) => ({
      database: names.custodyDatabase,
      sql: `grant select, update on custody.tenant to ${ident(names.custodian)}`,
      undo: `revoke select, update on custody.tenant from ${ident(names.custodian)}`,
    }),
  ),
  roleMutant(
    {
      id: 'pg-custody-open',
      title: 'The custody database open to tenants, and a custody function theirs',
    },
    ({ site: { names } }) => {
      const { write } = names.groups
      const objects = [
        `connect on database ${ident(names.custodyDatabase)}`,
        'usage on schema custody',
        'execute on function custody.leases(text)',
      ]
      return {
        database: names.custodyDatabase,
        sql: objects.map((one) => `grant ${one} to ${ident(write)}`).join(';\n'),
        undo: objects.map((one) => `revoke ${one} from ${ident(write)}`).join(';\n'),
      }
    },
  ),
  roleMutant(
    { id: 'pg-custody-function-altered', title: 'A custody function that closes no login' },
    ({ site: { names } }) => ({
      database: names.custodyDatabase,
      sql: `alter function custody.close_login(name) rename to close_login_before;
        create function custody.close_login(p_role name) returns void language plpgsql as 'begin end';
        revoke all on function custody.close_login(name) from public`,
      undo: `drop function custody.close_login(name);
        alter function custody.close_login_before(name) rename to close_login`,
    }),
  ),
]
