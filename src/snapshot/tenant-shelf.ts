import type { TenantId } from '../core/tenant.ts'
import type { TenantConfig } from './snapshot.ts'

/** Tenants that are kept ready for use. What is made of one is kept no longer than it is ready. */
const READY_MAX = 4_000

/**
 * Tenants by id. Of a hundred thousand most are asked for now and then: those lie here as text, which
 * takes half of the room, and are read when they are asked for.
 */
export class TenantShelf {
  readonly #texts = new Map<TenantId, string>()
  readonly #readyMax: number
  /**
   * In two generations, the newer with what was asked for since it began: one look finds what is used,
   * and what is not used goes with the older.
   */
  #newer = new Map<TenantId, TenantConfig>()
  #older = new Map<TenantId, TenantConfig>()

  constructor(readyMax: number = READY_MAX) {
    this.#readyMax = readyMax
  }

  get size(): number {
    return this.#texts.size
  }

  has(id: TenantId): boolean {
    return this.#texts.has(id)
  }

  /** The same object every time, as long as it is asked for often enough and does not change. */
  get(id: TenantId): TenantConfig | undefined {
    const ready = this.#newer.get(id)
    if (ready !== undefined) return ready
    const text = this.#texts.get(id)
    if (text === undefined) return undefined
    const config = this.#older.get(id) ?? read(text)
    if (this.#newer.size >= this.#readyMax / 2) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(id, config)
    return config
  }

  /** @param config as a record's form was found to be good */
  set(config: TenantConfig): void {
    this.#forget(config.id)
    this.#texts.set(config.id, JSON.stringify(config))
  }

  delete(id: TenantId): void {
    this.#forget(id)
    this.#texts.delete(id)
  }

  #forget(id: TenantId): void {
    this.#newer.delete(id)
    this.#older.delete(id)
  }

  ids(): IterableIterator<TenantId> {
    return this.#texts.keys()
  }

  /** One after another, and none is ready for it afterwards that was not before. */
  *values(): Generator<TenantConfig, undefined> {
    for (const [id, text] of this.#texts) {
      yield this.#newer.get(id) ?? this.#older.get(id) ?? read(text)
    }
    return undefined
  }
}

/** What was written here was looked at before. */
function read(text: string): TenantConfig {
  return JSON.parse(text) as TenantConfig
}
