import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type EmbeddedCluster, startEmbedded } from '../clusters/embedded-cluster.ts'
import { parseClientId } from '../core/names.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { type Identity, type IdentityOptions, openIdentity } from './open-identity.ts'

export const BASE = 'https://id.test'
export const AUDIENCE = 'https://api.test/'
export const ADMIN_AUDIENCE = 'urn:test:identity'
export const CONTROL = parseClientId('control')
export const CONTROL_KEY = await SigningKey.create('ES256')
const PASSWORD = 'identity-of-this-test-only'

export interface IdentitySite {
  readonly directory: string
  readonly cluster: EmbeddedCluster
  readonly options: IdentityOptions
  /** The database as its administrator sees it. */
  readonly admin: pg.Client
  readonly logged: string[]
  identity: Identity
  open(changes?: Partial<IdentityOptions>): Promise<Identity>
  stop(): Promise<void>
}

/** An identity plane on a server of its own, with its own role. */
export async function startIdentitySite(): Promise<IdentitySite> {
  const directory = mkdtempSync(join(tmpdir(), 'rf-identity-'))
  const cluster = await startEmbedded({
    name: 'test',
    directory: join(directory, 'server'),
    profile: 'silo',
    settings: { fsync: 'off', max_connections: '60' },
  })
  const admin = new pg.Client(cluster.admin)
  await admin.connect()
  await admin.query(`create role rf_identity login password '${PASSWORD}'`)
  await admin.query('create schema identity')
  await admin.query('grant usage, create on schema identity to rf_identity')
  const sealingKeyFile = join(directory, 'sealing-key')
  writeFileSync(sealingKeyFile, randomBytes(32).toString('base64url'), { mode: 0o600 })
  const logged: string[] = []
  const options: IdentityOptions = {
    database: { ...cluster.admin, user: 'rf_identity', password: PASSWORD },
    baseUrl: BASE,
    audience: AUDIENCE,
    adminAudience: ADMIN_AUDIENCE,
    adminClients: [{ client: CONTROL, keys: [CONTROL_KEY.publicJwk] }],
    sealingKeyFile,
    keys: { leadSeconds: 0 },
    log: (line) => logged.push(line),
  }
  const opened: Identity[] = []
  const open = async (changes: Partial<IdentityOptions> = {}) => {
    const identity = await openIdentity({ ...options, ...changes })
    opened.push(identity)
    return identity
  }
  return {
    directory,
    cluster,
    options,
    admin,
    logged,
    identity: await open(),
    open,
    async stop() {
      for (const identity of opened) await identity.close()
      await admin.end()
      await cluster.stop()
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
