import pg from 'pg'

/** What an application does all day. */
export const READ = {
  name: 'read',
  text: 'select id, note from bench.visit order by starts_at limit 5',
}

/** When something last succeeded, while others try to end it. */
export interface Watch {
  /** `performance.now()` of it; 0 for never. */
  lastSuccess: number
  over: boolean
}

export const newWatch = (): Watch => ({ lastSuccess: 0, over: false })

/** Asks on one session without a pause, until refused. Returns how to wait for that. */
export async function queryOn(
  credential: pg.ClientConfig,
  watch: Watch,
): Promise<() => Promise<void>> {
  const client = new pg.Client({ ...credential })
  client.on('error', () => {})
  await client.connect()
  const asking = (async () => {
    try {
      for (;;) {
        await client.query(READ)
        watch.lastSuccess = Math.max(watch.lastSuccess, performance.now())
        if (watch.over) return
      }
    } catch {
      // Refused, as it must be.
    } finally {
      await client.end().catch(() => {})
    }
  })()
  return () => asking
}

/** Logs in again and again. */
export async function logIn(credential: pg.ClientConfig, watch: Watch): Promise<void> {
  while (!watch.over) {
    const client = new pg.Client({ ...credential })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query(READ)
      watch.lastSuccess = Math.max(watch.lastSuccess, performance.now())
    } catch {
      // Refused from the revocation on.
    } finally {
      await client.end().catch(() => {})
    }
  }
}

/** Tries again and again, a millisecond apart. `attempt` says whether it was served. */
export async function keepTrying(attempt: () => Promise<boolean>, watch: Watch): Promise<void> {
  while (!watch.over) {
    const served = await attempt().catch(() => false)
    if (served) watch.lastSuccess = Math.max(watch.lastSuccess, performance.now())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
