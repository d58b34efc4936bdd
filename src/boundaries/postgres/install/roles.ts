import type pg from 'pg'
import { ident, literal, type Settings, withClient } from '../connection.ts'
import { scramVerifier } from '../../../clusters/scram.ts'
import { groupRoles, type LoginScope, type Names } from '../names.ts'

const PLAIN = 'nosuperuser nocreatedb nocreaterole noreplication nobypassrls'

/**
 * Makes the installation's roles, once a cluster. None of them can log in but the custodian, whose
 * password is given as a SCRAM verifier. Tenants' logins are made later, by the custody functions.
 */
export async function installRoles(
  admin: pg.ClientBase,
  names: Names,
  custodianVerifier: string,
): Promise<void> {
  for (const role of [names.owner, names.definer, ...groupRoles(names)]) {
    await ensureRole(admin, role, `nologin inherit ${PLAIN}`)
  }
  for (const scope of Object.keys(names.groups) as LoginScope[]) {
    await admin.query(`grant ${ident(names.groups[scope])} to ${ident(names.pooledGroups[scope])}`)
  }
  await ensureRole(
    admin,
    names.custodian,
    `login noinherit connection limit 16 ${PLAIN} password ${literal(custodianVerifier)}`,
  )
}

/** Gives the custodian of a copied server a password of its own. */
export async function setCustodianPassword(
  settings: Settings,
  names: Names,
  password: string,
): Promise<void> {
  const verifier = await scramVerifier(password)
  await withClient(settings, (client) =>
    client.query(`alter role ${ident(names.custodian)} password ${literal(verifier)}`),
  )
}

async function ensureRole(admin: pg.ClientBase, role: string, attributes: string): Promise<void> {
  const { rowCount } = await admin.query('select 1 from pg_roles where rolname = $1', [role])
  await admin.query(`${rowCount === 0 ? 'create' : 'alter'} role ${ident(role)} ${attributes}`)
}

/** Takes the installation's roles away again. Databases that they own must be gone before. */
export async function dropRoles(admin: pg.ClientBase, names: Names): Promise<void> {
  const { rows } = await admin.query<{ rolname: string }>(
    `select rolname from pg_roles where rolname like $1 order by length(rolname) desc, rolname`,
    [`${names.prefix.replaceAll('_', '\\_')}\\_%`],
  )
  for (const { rolname } of rows) await admin.query(`drop role ${ident(rolname)}`)
}
