import pg from 'pg'
import { AUDIT_MIGRATIONS, auditGrants } from '../audit/migrations.ts'
import type { EmbeddedCluster } from '../clusters/embedded-cluster.ts'
import type { SeedContents } from '../clusters/test-seed.test-support.ts'
import { REVOCATION_MIGRATIONS, revocationGrants } from '../revocation/migrations.ts'
import { IdentityDatabase } from './identity-database.ts'

const PASSWORD = 'identity-of-this-test-only'

/** A server with the identity plane's role, its schema and those it writes to, as it is at the first start. */
export const IDENTITY_SEED: SeedContents = { name: 'identity', fill }

/** Where the identity plane finds its schema on such a server. */
export function identityOn({ admin }: EmbeddedCluster): pg.ClientConfig {
  return { ...admin, user: 'rf_identity', password: PASSWORD }
}

async function fill(cluster: EmbeddedCluster): Promise<void> {
  const admin = new pg.Client(cluster.admin)
  await admin.connect()
  try {
    await admin.query(`create role rf_identity login password '${PASSWORD}'`)
    await admin.query('create schema identity')
    await admin.query('grant usage, create on schema identity to rf_identity')
    const roles = ['rf_identity', 'rf_records']
    await admin.query(`create role rf_records`)
    await admin.query('create schema audit')
    for (const step of AUDIT_MIGRATIONS) await admin.query(step)
    const rights = auditGrants({ all: roles, submit: ['rf_identity'], move: ['rf_records'] })
    for (const right of rights) await admin.query(right)
    const own = ['rf_identity']
    await admin.query('create schema revocation')
    for (const step of REVOCATION_MIGRATIONS) await admin.query(step)
    const uses = revocationGrants({ all: own, enter: own, follow: own, sweep: own, end: own })
    for (const right of uses) await admin.query(right)
  } finally {
    await admin.end()
  }
  await (await IdentityDatabase.open(identityOn(cluster))).close()
}
