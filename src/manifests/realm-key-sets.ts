import { z } from 'zod'
import { messageOf } from '../core/errors.ts'
import { call } from '../http/call.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import type { ManifestOf } from './manifest.ts'

/** Milliseconds after which an address is read again, and within which it answers. */
const FRESH_MS = 300_000
const TIMEOUT_MS = 5_000
const KEYS_MAX = 12

const jwksSchema = z.object({ keys: z.array(z.unknown()).max(100) })

interface Known {
  readonly keys: readonly PublicJwk[]
  readonly at: number
}

/** The keys of realms that other identity providers keep: from files as they are, from addresses again and again. */
export class RealmKeySets {
  readonly #known = new Map<string, Known>()
  readonly #onTrouble: (why: string) => void

  constructor(onTrouble: (why: string) => void) {
    this.#onTrouble = onTrouble
  }

  /** As they are known now: none of an address that has never answered. */
  keysOf({ spec: { realm } }: ManifestOf<'Tenant'>): readonly PublicJwk[] {
    if (realm === undefined) return []
    return 'url' in realm.keys ? (this.#known.get(realm.keys.url)?.keys ?? []) : realm.keys.keys
  }

  /** Reads the addresses of these tenants that were not read lately. Returns whether a key is new or gone. */
  async refresh(tenants: readonly ManifestOf<'Tenant'>[]): Promise<boolean> {
    const urls = new Set(
      tenants.flatMap(({ spec: { realm } }) =>
        realm !== undefined && 'url' in realm.keys ? [realm.keys.url] : [],
      ),
    )
    for (const url of this.#known.keys()) if (!urls.has(url)) this.#known.delete(url)
    const due = [...urls].filter((url) => {
      const known = this.#known.get(url)
      return known === undefined || performance.now() - known.at >= FRESH_MS
    })
    const changed = await Promise.all(due.map((url) => this.#read(url)))
    return changed.includes(true)
  }

  async #read(url: string): Promise<boolean> {
    try {
      const keys = await keysAt(url)
      const before = JSON.stringify(this.#known.get(url)?.keys)
      this.#known.set(url, { keys, at: performance.now() })
      return before !== JSON.stringify(keys)
    } catch (error) {
      // What was good stays good: the realm may be away for as long as it likes.
      this.#onTrouble(`${url}: ${messageOf(error)}`)
      return false
    }
  }
}

/** Redirects are not followed: the manifest names where the keys are. */
async function keysAt(url: string): Promise<readonly PublicJwk[]> {
  const { origin, pathname, search } = new URL(url)
  const { status, text } = await call(origin, {
    method: 'GET',
    path: `${pathname}${search}`,
    headers: { accept: 'application/jwk-set+json, application/json' },
    timeoutMs: TIMEOUT_MS,
  })
  if (status !== 200) throw new TypeError(`answered with ${status}`)
  const { keys } = jwksSchema.parse(JSON.parse(text))
  const ours = keys.flatMap((key) => {
    const read = publicJwkSchema.safeParse(key)
    return read.success ? [read.data] : []
  })
  if (ours.length === 0) throw new TypeError('holds no key of ES256 or EdDSA with a kid')
  return ours.slice(0, KEYS_MAX)
}
