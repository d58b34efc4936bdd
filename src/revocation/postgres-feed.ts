import type pg from 'pg'
import { connectListening } from '../feed/connect-listening.ts'
import { type Entry, parseEntries } from './entry.ts'
import { REVOCATION_CHANNEL } from './migrations.ts'
import type { RevocationFeed } from './revocation-feed.ts'

const QUERY_MS_MAX = 5_000

const SELECT = `select pg_current_snapshot()::text as snapshot,
  (select coalesce(json_agg(json_strip_nulls(json_build_object(
      'kind', kind, 'tenant', tenant, 'id', id,
      'at', extract(epoch from at) * 1000, 'until', extract(epoch from expires_at) * 1000))), '[]')
    from revocation.entry where `

/**
 * A follower's connection to schema `revocation`.
 *
 * The number of a row says when it was entered, not when that was committed: a transaction that
 * commits late comes in behind rows with higher numbers, and whoever asks for "higher than the last"
 * never sees it. A lock that makes publishers wait for each other would mend that, and let one
 * tenant's slow transaction hold up everybody's revocations. So each row keeps its transaction's id,
 * and a read takes exactly the rows that the snapshot of the read before could not see: nothing is
 * lost, nobody waits, nothing comes twice. A snapshot means nothing to another server, or to this one
 * after it was restored from a backup: both end the connection, and each begins by reading all.
 */
export class PostgresFeed implements RevocationFeed {
  readonly #client: pg.Client
  /** Of the read before. */
  #snapshot: string | undefined

  private constructor(client: pg.Client) {
    this.#client = client
  }

  /** Connects and listens: what is committed from then on rings. */
  static async open(settings: pg.ClientConfig, onNews: () => void): Promise<PostgresFeed> {
    const options = {
      channel: REVOCATION_CHANNEL,
      applicationName: 'ringfence revocation',
      queryMs: QUERY_MS_MAX,
    }
    return new PostgresFeed(await connectListening(settings, options, onNews))
  }

  async read(): Promise<readonly Entry[]> {
    const [where, values] =
      this.#snapshot === undefined
        ? ['expires_at > now()', []]
        : ['xid >= pg_snapshot_xmin($1) and not pg_visible_in_snapshot(xid, $1)', [this.#snapshot]]
    const { rows } = await this.#client.query<{ snapshot: string; entries: unknown }>(
      `${SELECT}${where}) as entries`,
      values,
    )
    const entries = parseEntries(rows[0]?.entries)
    this.#snapshot = rows[0]?.snapshot
    return entries
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined)
  }
}
