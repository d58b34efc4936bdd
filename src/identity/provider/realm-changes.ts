import pg from 'pg'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'

const CHANNEL = 'ringfence_realm'
const AGAIN_MS = 500

/** Tells when realms change, over all identity processes, while the database's connection holds. */
export class RealmChanges {
  readonly #settings: pg.ClientConfig
  readonly #changed: (tenant: TenantId | undefined) => void
  #client: pg.Client | undefined
  #hears = false
  #closed = false
  #again: NodeJS.Timeout | undefined

  /** `changed` is called with the realm's tenant, or with nothing when any may have changed. */
  constructor(settings: pg.ClientConfig, changed: (tenant: TenantId | undefined) => void) {
    this.#settings = settings
    this.#changed = changed
  }

  /** False while changes may be missed: whoever remembers a realm asks again before each use. */
  get hears(): boolean {
    return this.#hears
  }

  /** Begins to listen, and goes on trying by itself when that fails. */
  async listen(): Promise<void> {
    const client = new pg.Client({ ...this.#settings, application_name: 'ringfence-identity' })
    this.#client = client
    client.on('notification', ({ payload }) => this.#hear(payload))
    client.on('error', () => this.#lost(client))
    client.on('end', () => this.#lost(client))
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
      if (this.#client !== client) return
      this.#hears = true
      // What happened before nobody has told us.
      this.#changed(undefined)
    } catch {
      this.#lost(client)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#hears = false
    clearTimeout(this.#again)
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }

  /** Every role of the database may notify: what is no tenant's name says that anything may have changed. */
  #hear(payload: string | undefined): void {
    try {
      this.#changed(parseTenantId(payload))
    } catch {
      this.#changed(undefined)
    }
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#hears = false
    client.end().catch(() => {})
    if (this.#closed) return
    this.#again = setTimeout(() => void this.listen(), AGAIN_MS)
    this.#again.unref()
  }
}
