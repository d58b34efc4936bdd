import { createRequire } from 'node:module'

export type CedarEngine = typeof import('@cedar-policy/cedar-wasm/nodejs')

let engine: CedarEngine | undefined

/**
 * Cedar's own engine, which reads and validates. It is 50 MB of memory and some milliseconds at the
 * first call: decisions do without it.
 */
export function cedarEngine(): CedarEngine {
  engine ??= createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as CedarEngine
  return engine
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
