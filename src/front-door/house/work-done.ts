import { AsyncLocalStorage, createHook } from 'node:async_hooks'

/** What Node calls the asynchronous work of one signature, made or verified. */
const SIGNATURE = 'SIGNREQUEST'

/** Whose work it is that this process does: others sign beside us. */
const workers = new AsyncLocalStorage<object>()

/** Opens a server whose work, from then on, is `worker`'s. */
export function worksFor<T>(worker: object, open: () => T): T {
  return workers.run(worker, open)
}

/** How many signatures `worker` made or verified while `act` ran. */
export async function signaturesOf(worker: object, act: () => Promise<unknown>): Promise<number> {
  let count = 0
  const hook = createHook({
    init(_id, type) {
      if (type === SIGNATURE && workers.getStore() === worker) count += 1
    },
  })
  hook.enable()
  try {
    await act()
  } finally {
    hook.disable()
  }
  return count
}
