import { ident } from '../connection.ts'
import type { Names } from '../names.ts'
import { attributeMutant, loginMutant, type PostgresMutant, roleMutant } from './postgres-mutant.ts'

function membership(
  id: string,
  title: string,
  granted: (names: Names) => string,
  to: (names: Names) => string,
): PostgresMutant {
  return roleMutant({ id, title }, ({ site: { names } }) => ({
    sql: `grant ${ident(granted(names))} to ${ident(to(names))}`,
    undo: `revoke ${ident(granted(names))} from ${ident(to(names))}`,
  }))
}

/** Roles that are more, or for longer, than they should be. */
export const ROLE_MUTANTS: readonly PostgresMutant[] = [
  attributeMutant('pg-login-bypassrls', 'Tenants\u2019 logins with BYPASSRLS', 'bypassrls'),
  loginMutant(
    { id: 'pg-login-eternal', title: 'Logins that never expire' },
    ({ role, validUntil }) => ({
      sql: `alter role ${role} valid until 'infinity'`,
      undo: `alter role ${role} valid until ${validUntil}`,
    }),
  ),
  loginMutant(
    { id: 'pg-login-unlimited', title: 'Logins without a connection limit' },
    ({ role, connectionLimit }) => ({
      sql: `alter role ${role} connection limit -1`,
      undo: `alter role ${role} connection limit ${connectionLimit}`,
    }),
  ),
  loginMutant(
    { id: 'pg-login-setting', title: 'A superuser\u2019s setting fixed to logins' },
    ({ role }) => ({
      sql: `alter role ${role} set lo_compat_privileges = on`,
      undo: `alter role ${role} reset lo_compat_privileges`,
    }),
  ),
  loginMutant(
    { id: 'pg-password-md5', title: 'Passwords kept as MD5 hashes' },
    ({ role, verifier }) => ({
      sql: `alter role ${role} password 'md5a3556571e93b0d20722ba62be61e8c2d'`,
      undo: `alter role ${role} password ${verifier}`,
    }),
  ),
  membership(
    'pg-group-reads-all',
    'pg_read_all_data for the tenants\u2019 group',
    () => 'pg_read_all_data',
    ({ groups }) => groups.write,
  ),
  membership(
    'pg-group-in-owner',
    'The tenants\u2019 group in the owner of the tables',
    ({ owner }) => owner,
    ({ groups }) => groups.write,
  ),
  membership(
    'pg-custodian-in-owner',
    'The custodian in the owner of the tables',
    ({ owner }) => owner,
    ({ custodian }) => custodian,
  ),
  membership(
    'pg-custodian-in-group',
    'The custodian in the tenants\u2019 group',
    ({ groups }) => groups.write,
    ({ custodian }) => custodian,
  ),
  roleMutant(
    {
      id: 'pg-custodian-connects',
      title: 'The custodian may connect to the tenants\u2019 database',
    },
    ({ database, site: { names } }) => ({
      sql: `grant connect on database ${ident(database)} to ${ident(names.custodian)}`,
      undo: `revoke connect on database ${ident(database)} from ${ident(names.custodian)}`,
    }),
  ),
  roleMutant(
    { id: 'pg-owner-logs-in', title: 'The owner of the tables may log in' },
    ({ site: { names } }) => ({
      sql: `alter role ${ident(names.owner)} login`,
      undo: `alter role ${ident(names.owner)} nologin`,
    }),
  ),
]
