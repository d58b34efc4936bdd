import pg from 'pg'
import { AUDIT_MIGRATIONS, auditGrants } from '../audit/migrations.ts'
import { RingfenceError } from '../core/errors.ts'
import { migrateSteps } from '../database/migrate-steps.ts'
import { REVOCATION_MIGRATIONS, revocationGrants } from '../revocation/migrations.ts'
import { SNAPSHOT_MIGRATIONS } from '../snapshot/migrations.ts'
import { APPROVAL_MIGRATIONS } from './approvals/migrations.ts'
import { addressBlockGrants } from './behaviour/migration.ts'
import { grantRestraintGrants } from './behaviour/grant-restraints-migration.ts'
import { billingGrants } from './billing/migration.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'
import { keepingGrants } from './keeping/migration.ts'
import { PLANES, type PlaneRole, REGISTRY_RIGHTS } from './plane-roles.ts'
import { REGISTRY_MIGRATIONS } from './registry-migrations.ts'
import { DURABLE_SCHEMA, migrateDurable } from './workflows/durable-schema.ts'

/** Serialises preparing processes. The number is "regi" in ASCII. */
const PREPARE_LOCK = 0x72656769
/** What PostgreSQL stores for a password (RFC 5803). Anything else would be a password in plain text. */
const VERIFIER = /^SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$/
/** What the records plane keeps, and makes its own tables in. */
const RECORDS_SCHEMAS = ['records', 'usage', 'billing', 'alerts', 'behaviour'] as const
const SCHEMAS = [
  'registry',
  'snapshot',
  'identity',
  'approvals',
  'revocation',
  'audit',
  ...RECORDS_SCHEMAS,
] as const
/** Sessions that one plane's processes may hold together. */
const CONNECTIONS_MAX = 100

/**
 * Makes the control database what the planes expect, as an administrator of its server, in the
 * database that `admin` names: the role of each plane with its SCRAM verifier, the schemas, their
 * tables, and the rights of each role, no more. Idempotent; run it before the planes start.
 * @throws RingfenceError `invalid_argument` for a verifier that is none
 */
export async function prepareControlDatabase(
  admin: DatabaseSettings,
  verifiers: Readonly<Record<PlaneRole, string>>,
): Promise<void> {
  await prepare(admin, verifiers, true)
}

/**
 * The same for planes beside which no control plane runs: without the tables of workflows, whose library
 * works for one control plane in a process at a time, so that another's may run in this one.
 * @throws as `prepareControlDatabase` does
 */
export async function prepareWithoutWorkflows(
  admin: DatabaseSettings,
  verifiers: Readonly<Record<PlaneRole, string>>,
): Promise<void> {
  await prepare(admin, verifiers, false)
}

async function prepare(
  admin: DatabaseSettings,
  verifiers: Readonly<Record<PlaneRole, string>>,
  workflows: boolean,
): Promise<void> {
  for (const role of PLANES) {
    if (!VERIFIER.test(verifiers[role])) {
      throw new RingfenceError('invalid_argument', `${role}: not a SCRAM-SHA-256 verifier`)
    }
  }
  const client = new pg.Client({ ...admin, application_name: 'ringfence-prepare' })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [PREPARE_LOCK])
    for (const role of PLANES) await ensureRole(client, role, verifiers[role])
    for (const schema of SCHEMAS) {
      await client.query(`create schema if not exists ${schema}`)
    }
    await migrateSteps(client, 'registry', REGISTRY_MIGRATIONS)
    await migrateSteps(client, 'snapshot', SNAPSHOT_MIGRATIONS)
    await migrateSteps(client, 'approvals', APPROVAL_MIGRATIONS)
    await migrateSteps(client, 'revocation', REVOCATION_MIGRATIONS)
    await migrateSteps(client, 'audit', AUDIT_MIGRATIONS)
    if (workflows) await migrateDurable(admin)
    await grant(client, admin.database, workflows)
  } finally {
    // Lets go of the lock too.
    await client.end()
  }
}

const WORKFLOW_GRANTS = [
  `grant usage on schema ${DURABLE_SCHEMA} to rf_control`,
  `grant select, insert, update, delete on all tables in schema ${DURABLE_SCHEMA} to rf_control`,
  `grant usage, select, update on all sequences in schema ${DURABLE_SCHEMA} to rf_control`,
  `grant execute on all functions in schema ${DURABLE_SCHEMA} to rf_control`,
] as const

async function ensureRole(client: pg.Client, role: PlaneRole, verifier: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role])
  const attributes = `login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
    connection limit ${CONNECTIONS_MAX} password ${pg.escapeLiteral(verifier)}`
  await client.query(`${rowCount === 0 ? 'create' : 'alter'} role ${role} with ${attributes}`)
}

/** In one transaction, so that no plane finds its rights missing while they are given anew. */
async function grant(client: pg.Client, database: string, workflows: boolean): Promise<void> {
  const name = pg.escapeIdentifier(database)
  const all = PLANES.join(', ')
  const registry = Object.entries(REGISTRY_RIGHTS).map(
    ([table, rights]) => `grant ${rights} on registry.${table} to rf_control`,
  )
  const statements = [
    'begin',
    `revoke all on database ${name} from public`,
    `revoke all on schema public from public`,
    `revoke all on database ${name} from ${all}`,
    `grant connect on database ${name} to ${all}`,
    // Usage is copied into a table of its session first.
    `grant temporary on database ${name} to rf_records`,
    ...['registry', 'snapshot', ...(workflows ? [DURABLE_SCHEMA] : [])].flatMap((schema) => [
      `revoke all on schema ${schema} from public, ${all}`,
      `revoke all on all tables in schema ${schema} from public, ${all}`,
      `revoke all on all functions in schema ${schema} from public, ${all}`,
    ]),
    'grant usage on schema registry to rf_control',
    ...registry,
    ...billingGrants('rf_records'),
    ...keepingGrants('rf_records'),
    ...addressBlockGrants('rf_records'),
    ...grantRestraintGrants('rf_records'),
    ...(workflows ? WORKFLOW_GRANTS : []),
    'grant usage on schema snapshot to rf_control, rf_vending, rf_gateway, rf_records',
    'grant select, insert, update, delete on all tables in schema snapshot to rf_control',
    'grant select on all tables in schema snapshot to rf_vending, rf_gateway, rf_records',
    `revoke all on snapshot.migration from ${all}`,
    'grant usage on schema snapshot to rf_identity',
    'grant execute on function snapshot.grant_of(text, text) to rf_identity',
    'grant execute on function snapshot.hosts_of(text) to rf_identity',
    `revoke all on schema identity from public, ${all}`,
    'grant usage, create on schema identity to rf_identity',
    ...RECORDS_SCHEMAS.flatMap((schema) => [
      `revoke all on schema ${schema} from public, ${all}`,
      `grant usage, create on schema ${schema} to rf_records`,
    ]),
    // What is entered with an act can be neither read nor taken back by who acts.
    ...auditGrants({
      all: PLANES,
      submit: ['rf_identity', 'rf_control', 'rf_records'],
      move: ['rf_records'],
    }),
    ...revocationGrants({
      all: PLANES,
      enter: ['rf_identity', 'rf_control'],
      follow: ['rf_gateway', 'rf_vending', 'rf_control', 'rf_identity', 'rf_records'],
      sweep: ['rf_identity', 'rf_control'],
      detect: ['rf_records'],
      end: ['rf_identity'],
    }),
    'commit',
  ]
  await client.query(statements.join(';\n'))
}
