import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { type PublicJwk, SIGNING_ALGORITHMS } from '../tokens/signing-key.ts'
import type { ContextKeys } from '../tokens/tenant-context.ts'
import { KeySet } from '../tokens/verify-token.ts'

/** How long a key that was taken out of the file may still verify. Milliseconds. */
const LOOK_EVERY_MS = 1_000

const jwkSchema = z.looseObject({
  kty: z.string(),
  kid: z.string().min(1),
  alg: z.enum(SIGNING_ALGORITHMS),
})
const keysSchema = z.strictObject({
  /** The gateway's. */
  request: z.array(jwkSchema),
  /** The control plane's. */
  job: z.array(jwkSchema),
})

/** The public keys that sign tenant contexts, as a file or a caller has them. */
export interface ContextKeyFile {
  readonly request: readonly PublicJwk[]
  readonly job: readonly PublicJwk[]
}

/** Where the keys come from. */
export interface ContextKeySource {
  /** @throws RingfenceError `engine_unavailable` when they cannot be read */
  current(): Promise<ContextKeys>
  /** Looks for newer ones now. True when there are. */
  refresh(): Promise<boolean>
}

/** Keys that stay as they are. @throws RingfenceError `invalid_argument` */
export function fixedKeys(keys: ContextKeyFile): ContextKeySource {
  const sets = keySets(keys)
  return { current: async () => sets, refresh: async () => false }
}

/**
 * Keys in a file, read again when the file changes. Whoever changes it replaces it as a whole (by
 * rename): a file that cannot be read or understood verifies nothing until it is mended.
 */
export class KeyFile implements ContextKeySource {
  readonly #path: string
  #version = ''
  #keys: ContextKeys | undefined
  #lookedAt = 0
  #looking: Promise<boolean> | undefined

  constructor(path: string) {
    this.#path = path
  }

  async current(): Promise<ContextKeys> {
    const known = this.#keys
    if (known !== undefined && performance.now() - this.#lookedAt < LOOK_EVERY_MS) return known
    await this.refresh()
    const keys = this.#keys
    if (keys === undefined) throw unreadable('there are none')
    return keys
  }

  refresh(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<boolean> {
    const began = performance.now()
    try {
      // Looked at before it is read: a change in between is seen the next time.
      const { mtimeMs, size, ino } = await stat(this.#path)
      const version = `${mtimeMs}:${size}:${ino}`
      const changed = version !== this.#version || this.#keys === undefined
      if (changed) {
        const document: unknown = JSON.parse(await readFile(this.#path, 'utf8'))
        this.#keys = keySets(keysSchema.parse(document))
        this.#version = version
      }
      this.#lookedAt = began
      return changed
    } catch (error) {
      this.#keys = undefined
      throw unreadable(messageOf(error), error)
    }
  }
}

function keySets({ request, job }: ContextKeyFile): ContextKeys {
  return { request: new KeySet(request), job: new KeySet(job) }
}

function unreadable(detail: string, cause?: unknown): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the keys of tenant contexts cannot be read', {
    detail,
    cause,
  })
}
