import { LRUCache } from 'lru-cache'
import { messageOf } from '../../../core/errors.ts'
import type { UsableSamlConnection } from './service-provider.ts'
import type { GuardedFetch } from '../outbound/guarded-fetch.ts'
import { FederationRefusal } from '../refusal.ts'
import { type ProviderMetadata, readProviderMetadata } from './provider-metadata.ts'
import type { SamlProvider } from './saml-provider.ts'

/** How long metadata is used before it is fetched again. */
const FRESH_MS = 3_600_000
/** How long it is used at most when it cannot be fetched, unless it says itself that it ends. */
const STALE_MS = 24 * FRESH_MS
/** How long a fetch that failed is not repeated. */
const RETRY_MS = 30_000
const KNOWN_MAX = 1_000

interface Known {
  readonly metadata: ProviderMetadata
  readonly fetchedAt: number
  triedAt: number
}

/** Where a connection's provider is and whose signatures count: from its config, or signed metadata. */
export class SamlProviderSource {
  readonly #fetch: GuardedFetch
  readonly #known = new LRUCache<string, Known>({ max: KNOWN_MAX })

  constructor(fetch: GuardedFetch) {
    this.#fetch = fetch
  }

  /** @throws FederationRefusal `provider_unreachable`, or what is wrong with the metadata */
  async of(connection: UsableSamlConnection): Promise<SamlProvider> {
    const { trust, entityId } = connection.config
    if ('ssoUrl' in trust) return trust
    const key = `${connection.tenant}\n${connection.id}\n${connection.version}`
    const known = this.#known.get(key)
    const now = Date.now()
    if (known !== undefined && isUsable(known, now)) {
      if (now < known.fetchedAt + FRESH_MS || now < known.triedAt + RETRY_MS) return known.metadata
      known.triedAt = now
    }
    try {
      const response = await this.#fetch(trust.metadataUrl)
      if (response.status !== 200) throw new TypeError(`status ${response.status}`)
      const metadata = readProviderMetadata(await response.text(), entityId, trust.signedBy)
      this.#known.set(key, { metadata, fetchedAt: now, triedAt: now })
      return metadata
    } catch (error) {
      if (known !== undefined && isUsable(known, now)) return known.metadata
      if (error instanceof FederationRefusal) throw error
      throw new FederationRefusal('provider_unreachable', messageOf(error), error)
    }
  }
}

function isUsable({ metadata, fetchedAt }: Known, now: number): boolean {
  const { validUntil } = metadata
  return now < fetchedAt + STALE_MS && (validUntil === undefined || now < validUntil.getTime())
}
