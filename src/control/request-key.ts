import { AsyncLocalStorage } from 'node:async_hooks'

const running = new AsyncLocalStorage<string>()

/** Runs `work` as the one call of an idempotency key. Opaque: a digest of the actor and the key. */
export function withRequestKey<T>(key: string, work: () => Promise<T>): Promise<T> {
  return running.run(key, work)
}

/**
 * The key of the call that runs, or null. It is entered with what the call changes, in the same
 * transaction, so that a repeat after a kill finds what was done and does not do it twice.
 */
export function requestKey(): string | null {
  return running.getStore() ?? null
}

/** Runs what goes on after the call has been answered: it is no part of the call. */
export function afterTheCall<T>(work: () => T): T {
  return running.exit(work)
}
