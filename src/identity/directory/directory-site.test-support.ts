import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startSeeded } from '../../clusters/test-seed.test-support.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { Revocation, RevocationPublisher } from '../../revocation/revocation.ts'
import { IdentityDatabase } from '../identity-database.ts'
import { IDENTITY_SEED, identityOn } from '../identity-seed.test-support.ts'
import { SealingKey } from '../sealing-key.ts'
import { endingAccess } from './end-access.ts'
import { PostgresDirectory } from './postgres-directory.ts'

export interface DirectorySite {
  readonly directoryPath: string
  readonly database: IdentityDatabase
  readonly directory: PostgresDirectory
  readonly sealing: SealingKey
  /** The database as its administrator sees it. */
  readonly admin: pg.Client
  /** Makes an open realm. */
  realm(name: string): Promise<TenantId>
  /** What was published, in transactions that were committed. */
  published(): Promise<readonly Pick<Revocation, 'kind'>[]>
  readonly publisher: RevocationPublisher
  stop(): Promise<void>
}

/** The schema `identity` on a server of its own, as the identity plane's own role. */
export async function startDirectorySite(): Promise<DirectorySite> {
  const directoryPath = mkdtempSync(join(tmpdir(), 'rf-directory-'))
  const server = {
    name: 'test',
    directory: join(directoryPath, 'server'),
    profile: 'silo',
    settings: { max_connections: '60' },
  } as const
  const cluster = await startSeeded(server, IDENTITY_SEED)
  const admin = new pg.Client(cluster.admin)
  await admin.connect()
  await admin.query('create table published (at serial, revocation jsonb)')
  await admin.query('grant insert on published to rf_identity')
  await admin.query('grant usage on sequence published_at_seq to rf_identity')
  const sealingKeyFile = join(directoryPath, 'sealing-key')
  writeFileSync(sealingKeyFile, randomBytes(32).toString('base64url'), { mode: 0o600 })
  const database = await IdentityDatabase.open(identityOn(cluster))
  const publisher: RevocationPublisher = {
    publish: async (rows, revocation) => {
      await rows.query('insert into public.published (revocation) values ($1)', [
        JSON.stringify(revocation),
      ])
    },
  }
  return {
    directoryPath,
    database,
    directory: new PostgresDirectory({ database, endAccess: endingAccess(publisher) }),
    sealing: await SealingKey.read(sealingKeyFile),
    admin,
    publisher,
    async realm(name) {
      await admin.query(
        'insert into identity.realm (tenant, issuer, display_name) values ($1, $2, $3)',
        [name, `https://id.test/realms/${name}`, `Clinic ${name}`],
      )
      return parseTenantId(name)
    },
    async published() {
      const { rows } = await admin.query<{ revocation: Pick<Revocation, 'kind'> }>(
        'select revocation from published order by at',
      )
      return rows.map(({ revocation }) => revocation)
    },
    async stop() {
      await database.close()
      await admin.end()
      await cluster.stop()
      rmSync(directoryPath, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
