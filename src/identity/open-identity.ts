import type { Hono } from 'hono'
import type pg from 'pg'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { ClientId } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import { adminApp } from './admin-app.ts'
import { identityApp } from './identity-app.ts'
import { IdentityDatabase } from './identity-database.ts'
import { localRealms } from './local-realms.ts'
import type { RealmAdministration } from './realm-administration.ts'
import { RealmKeys, type RealmKeysOptions } from './realm-keys.ts'
import { RealmStore } from './realm-store.ts'
import { SealingKey } from './sealing-key.ts'
import type { Issuing } from './token-endpoint.ts'
import { UsedOnce } from './used-once.ts'

const MAINTAIN_MS = 60_000

export interface IdentityOptions {
  /** The control database, as the identity plane's own role. The schema `identity` is there. */
  readonly database: pg.ClientConfig
  /** What issuers begin with, `https://id.example.com`: an origin, without a path. */
  readonly baseUrl: string
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
  /** Who the administration API is, in client assertions. */
  readonly adminAudience: string
  readonly adminClients: readonly {
    readonly client: ClientId
    readonly keys: readonly PublicJwk[]
  }[]
  /** A file that only we may read, with 256 bits in base64url. */
  readonly sealingKeyFile: string
  readonly keys?: RealmKeysOptions
  /** Takes one line. No secret is in it. */
  readonly log: (line: string) => void
}

export interface Identity {
  /** For the world: documents, keys, token endpoints. */
  readonly app: Hono
  /** For the control plane, on a listener of its own. */
  readonly admin: Hono
  /** The same as `admin`, in this process. */
  readonly realms: RealmAdministration
  /** Rotates keys that are due and forgets what is past; it also runs by itself, about every minute. */
  maintain(): Promise<void>
  close(): Promise<void>
}

/** @throws RingfenceError `invalid_url`, `invalid_argument` (the sealing key), `engine_unavailable` */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const origin = originOf(options.baseUrl)
  const issuerOf = (tenant: TenantId) => `${origin}/realms/${tenant}`
  const sealing = await SealingKey.read(options.sealingKeyFile)
  const database = await IdentityDatabase.open(options.database)
  const keys = new RealmKeys(database, sealing, options.keys)
  const store = new RealmStore(database, keys, issuerOf)
  const used = new UsedOnce(database)
  const { audience, log } = options
  const issuing: Issuing = { store, keys, used, audience, issuerOf }
  const realms = localRealms(issuing)
  const maintain = async () => {
    await keys.maintain()
    await used.forgetExpired()
  }
  let maintaining = Promise.resolve()
  const timer = setInterval(() => {
    maintaining = maintain().catch((error: unknown) => log(`maintenance: ${messageOf(error)}`))
  }, MAINTAIN_MS)
  timer.unref()
  return {
    app: identityApp(issuing, log),
    admin: adminApp({
      realms,
      used,
      audience: options.adminAudience,
      clients: options.adminClients,
      log,
    }),
    realms,
    maintain,
    async close() {
      clearInterval(timer)
      await maintaining
      await database.close()
    },
  }
}

/** RFC 8414, section 2: an issuer has no query and no fragment; ours has its path from us. */
function originOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
  if (!plain) {
    throw new RingfenceError('invalid_url', 'the base URL of realms is like https://id.example.com')
  }
  return url.origin
}
