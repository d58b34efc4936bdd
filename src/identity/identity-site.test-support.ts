import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { EmbeddedCluster } from '../clusters/embedded-cluster.ts'
import { startSeeded } from '../clusters/test-seed.test-support.ts'
import { parseClientId } from '../core/names.ts'
import { type Answer, call } from '../http/call.ts'
import { type Listening, listenWith } from '../http/listen.ts'
import type { Revocation, RevocationPublisher } from '../revocation/revocation.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { IDENTITY_SEED, identityOn } from './identity-seed.test-support.ts'
import { type Identity, type IdentityOptions, openIdentity } from './open-identity.ts'

export const BASE = 'https://id.test'
export const AUDIENCE = 'https://api.test/'
export const ADMIN_AUDIENCE = 'urn:test:identity'
export const CONTROL = parseClientId('control')
export const CONTROL_KEY = await SigningKey.create('ES256')

export interface IdentitySite {
  readonly directory: string
  readonly cluster: EmbeddedCluster
  readonly options: IdentityOptions
  /** The database as its administrator sees it. */
  readonly admin: pg.Client
  readonly logged: string[]
  /** What was published, in order. */
  readonly revocations: Revocation[]
  identity: Identity
  /** Asks an identity plane over HTTP, as the world does. */
  ask(path: string, request?: Asking, identity?: Identity): Promise<Answer>
  /** `http://127.0.0.1:port` of an identity plane. */
  address(identity?: Identity): Promise<string>
  open(changes?: Partial<IdentityOptions>): Promise<Identity>
  stop(): Promise<void>
}

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** An identity plane on a server of its own, with its own role. */
export async function startIdentitySite(
  changed: Partial<IdentityOptions> = {},
): Promise<IdentitySite> {
  const directory = mkdtempSync(join(tmpdir(), 'rf-identity-'))
  const server = {
    name: 'test',
    directory: join(directory, 'server'),
    profile: 'silo',
    settings: { max_connections: '60' },
  } as const
  const cluster = await startSeeded(server, IDENTITY_SEED)
  const admin = new pg.Client(cluster.admin)
  await admin.connect()
  const sealingKeyFile = join(directory, 'sealing-key')
  writeFileSync(sealingKeyFile, randomBytes(32).toString('base64url'), { mode: 0o600 })
  const logged: string[] = []
  const revocations: Revocation[] = []
  const options: IdentityOptions = {
    database: identityOn(cluster),
    baseUrl: BASE,
    audience: AUDIENCE,
    adminAudience: ADMIN_AUDIENCE,
    adminClients: [{ client: CONTROL, keys: [CONTROL_KEY.publicJwk] }],
    sealingKeyFile,
    keys: { leadSeconds: 0 },
    publisher: recording(revocations),
    log: (line) => logged.push(line),
    ...changed,
  }
  const opened: Identity[] = []
  const doors = new Map<Identity, Promise<Listening>>()
  const address = async (identity: Identity) => {
    const door =
      doors.get(identity) ?? listenWith(createServer(identity.app), { host: '127.0.0.1', port: 0 })
    doors.set(identity, door)
    return (await door).url
  }
  const open = async (changes: Partial<IdentityOptions> = {}) => {
    const identity = await openIdentity({ ...options, ...changes })
    opened.push(identity)
    return identity
  }
  const first = await open()
  return {
    directory,
    cluster,
    options,
    admin,
    logged,
    revocations,
    identity: first,
    open,
    address: (identity = first) => address(identity),
    async ask(path, { method = 'GET', headers = {}, body } = {}, identity = first) {
      return call(await address(identity), {
        method,
        path,
        headers,
        ...(body === undefined ? {} : { body }),
      })
    },
    async stop() {
      for (const door of doors.values()) await (await door).close()
      for (const identity of opened) await identity.close()
      await admin.end()
      await cluster.stop()
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** Remembers what was published when its transaction has gone on after it. */
function recording(revocations: Revocation[]): RevocationPublisher {
  return {
    async publish(rows, revocation) {
      // A transaction that has failed already says so here.
      await rows.query('select 1')
      revocations.push(revocation)
    },
  }
}
