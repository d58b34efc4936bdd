import { createRequire } from 'node:module'
import { RingfenceError } from '../core/errors.ts'

type CedarEngine = typeof import('@cedar-policy/cedar-wasm/nodejs')

const NAME = '@cedar-policy/cedar-wasm/nodejs'
const require = createRequire(import.meta.url)
let engine: CedarEngine | undefined

/**
 * Asks Cedar's own engine, which reads and validates. It is 50 MB of memory and some milliseconds at
 * the first call: decisions do without it. It falls over on what nests too deeply, and is then of no
 * use to anybody: the next call gets a new one.
 * @throws RingfenceError `invalid_argument` when it fell over
 */
export function withCedar<T>(ask: (engine: CedarEngine) => T): T {
  engine ??= require(NAME) as CedarEngine
  try {
    return ask(engine)
  } catch (error) {
    engine = undefined
    delete require.cache[require.resolve(NAME)]
    const message = 'it nests too deeply, or is too large, to be read'
    throw new RingfenceError('invalid_argument', message, { cause: error })
  }
}

/** What a refusal of the engine says, in one line. */
export function messagesOf(
  errors: readonly { readonly message: string; readonly help?: string | null }[],
): string {
  return errors
    .map(({ message, help }) => (help ? `${message} (${help})` : message))
    .join('; ')
    .replace(/\s+/g, ' ')
}
