import pg from 'pg'

const CONNECT_MS_MAX = 5_000

export interface ListeningOptions {
  readonly channel: string
  /** What the server's own views call the session. */
  readonly applicationName: string
  /** Milliseconds for one query. */
  readonly queryMs: number
}

/**
 * A connection that hears a channel: what is committed from then on is told.
 * @param onNews called when something is told, and when the connection has ended
 * @throws errors of the client, when it cannot be reached or may not listen
 */
export async function connectListening(
  settings: pg.ClientConfig,
  { channel, applicationName, queryMs }: ListeningOptions,
  onNews: () => void,
): Promise<pg.Client> {
  const client = new pg.Client({
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: queryMs,
    keepAlive: true,
    application_name: applicationName,
    ...settings,
  })
  client.on('error', onNews)
  client.on('end', onNews)
  client.on('notification', onNews)
  try {
    await client.connect()
    await client.query(`listen ${channel}`)
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}
