import { X509Certificate, createPrivateKey } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Certificate, WritableCertificateStore } from './certificate-store.ts'
import { contextOf } from './tls-settings.ts'

/** Of the platform's own hosts, and of callers who name none. */
export const DEFAULT_NAME = '_default'
const CHAIN_FILE = 'fullchain.pem'
const KEY_FILE = 'privkey.pem'
/** Certificates in use at once; the least used are read again when they are needed. */
const KEPT_MAX = 5_000
/** For so long what was seen on disk is believed. Milliseconds. */
const FRESH_MS = 1_000
/** A name of DNS: it becomes part of a path, so nothing else may be in it. */
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

interface Kept {
  readonly stamp: string
  readonly context: SecureContext
  readonly leaf: X509Certificate
  lookedAt: number
}

export interface CertificateDirectoryOptions {
  /** Is told when a certificate cannot be used. The one before stays in use. */
  readonly onTrouble?: (error: RingfenceError) => void
  /** Default 1,000. */
  readonly freshMs?: number
}

/**
 * Certificates in a directory: `<host>/fullchain.pem` and `<host>/privkey.pem`, as most tools that get
 * them write them, and `_default/` for the platform's own. What is replaced there is in force a second
 * later, for handshakes from then on: connections that there are stay.
 */
export class CertificateDirectory implements WritableCertificateStore {
  readonly #directory: string
  readonly #onTrouble: (error: RingfenceError) => void
  readonly #freshMs: number
  readonly #kept = new LRUCache<string, Kept>({ max: KEPT_MAX })
  readonly #reading = new Map<string, Promise<Kept | undefined>>()
  /** The text of the default one is kept; others' keys are in their contexts alone. */
  #fallback: { readonly stamp: string; readonly certificate: Certificate } | undefined
  #names: Promise<ReadonlySet<string>> = Promise.resolve(new Set())
  #namesAt = Number.NEGATIVE_INFINITY

  constructor(directory: string, options: CertificateDirectoryOptions = {}) {
    this.#directory = directory
    this.#onTrouble = options.onTrouble ?? (() => undefined)
    this.#freshMs = options.freshMs ?? FRESH_MS
  }

  async contextFor(host: string): Promise<SecureContext | undefined> {
    const name = host.toLowerCase()
    if (!HOST.test(name)) return undefined
    const own = await this.#get(name)
    if (own !== undefined) return own.context
    const common = await this.#get(DEFAULT_NAME)
    return common?.leaf.checkHost(name) === undefined ? undefined : common.context
  }

  async fallback(): Promise<Certificate | undefined> {
    const stamp = (await this.#get(DEFAULT_NAME))?.stamp
    return stamp === undefined || stamp !== this.#fallback?.stamp
      ? undefined
      : this.#fallback.certificate
  }

  async endOf(host: string) {
    const leaf = HOST.test(host) ? (await this.#get(host))?.leaf : undefined
    return leaf && { from: leaf.validFromDate, until: leaf.validToDate }
  }

  async put(host: string, certificate: Certificate): Promise<void> {
    if (!HOST.test(host)) throw new RingfenceError('invalid_argument', 'not a host name')
    contextOf(certificate)
    const place = join(this.#directory, host)
    try {
      await mkdir(place, { recursive: true, mode: 0o700 })
      // A reader in between sees a pair that does not fit, and stays with the one that it has.
      await replace(join(place, KEY_FILE), certificate.key)
      await replace(join(place, CHAIN_FILE), certificate.chain)
    } catch (error) {
      throw new RingfenceError('not_writable', `cannot write ${place}: ${messageOf(error)}`)
    }
    this.#namesAt = Number.NEGATIVE_INFINITY
    const kept = this.#kept.get(host)
    if (kept !== undefined) kept.lookedAt = Number.NEGATIVE_INFINITY
  }

  /** Names that nobody has made a directory for cost no look at the disk, however many are asked for. */
  async #get(name: string): Promise<Kept | undefined> {
    const now = performance.now()
    if (now - this.#namesAt > this.#freshMs) {
      this.#namesAt = now
      this.#names = readdir(this.#directory).then(
        (names) => new Set(names),
        (error: unknown) => {
          this.#tell(this.#directory, error)
          return new Set<string>()
        },
      )
    }
    const kept = this.#kept.get(name)
    if (kept !== undefined && now - kept.lookedAt <= this.#freshMs) return kept
    if (!(await this.#names).has(name)) return undefined
    const reading = this.#reading.get(name) ?? this.#read(name, kept)
    this.#reading.set(name, reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(name)
    }
  }

  async #read(name: string, before: Kept | undefined): Promise<Kept | undefined> {
    const lookedAt = performance.now()
    const place = join(this.#directory, name)
    const [chainFile, keyFile] = [join(place, CHAIN_FILE), join(place, KEY_FILE)]
    try {
      const stamp = (await Promise.all([chainFile, keyFile].map(stampOf))).join()
      if (before?.stamp === stamp) {
        before.lookedAt = lookedAt
        return before
      }
      const [chain, key] = await Promise.all([
        readFile(chainFile, 'utf8'),
        readFile(keyFile, 'utf8'),
      ])
      const leaf = new X509Certificate(chain)
      if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error('key and chain do not fit')
      const kept = { stamp, context: contextOf({ key, chain }), leaf, lookedAt }
      this.#kept.set(name, kept)
      if (name === DEFAULT_NAME) this.#fallback = { stamp, certificate: { key, chain } }
      return kept
    } catch (error) {
      this.#tell(place, error)
      if (before !== undefined) before.lookedAt = lookedAt
      return before
    }
  }

  #tell(place: string, error: unknown): void {
    const why = `the certificate in ${place} cannot be used: ${messageOf(error)}`
    this.#onTrouble(new RingfenceError('invalid_argument', why))
  }
}

async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true })
  return `${ino}:${size}:${mtimeNs}`
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.new`
  await writeFile(beside, text, { mode: 0o600, flush: true })
  await rename(beside, path)
}
