import type pg from 'pg'
import { connectListening } from '../feed/connect-listening.ts'
import { refused } from './seal.ts'
import { SNAPSHOT_CHANNEL } from './publish.ts'
import type { RecordStore } from './record-store.ts'
import type { StoredBase } from './snapshot-file.ts'

const QUERY_MS_MAX = 30_000
/** Changes that are read at once. */
const CHANGES_MAX = 200

/** A reader's connection to schema `snapshot`. */
export class SnapshotDatabase implements RecordStore {
  readonly #client: pg.Client

  private constructor(client: pg.Client) {
    this.#client = client
  }

  /**
   * Connects and listens.
   * @param onNews called when there is a new version, and when the connection has ended
   */
  static async open(settings: pg.ClientConfig, onNews: () => void): Promise<SnapshotDatabase> {
    const options = {
      channel: SNAPSHOT_CHANNEL,
      applicationName: 'ringfence snapshot',
      queryMs: QUERY_MS_MAX,
    }
    return new SnapshotDatabase(await connectListening(settings, options, onNews))
  }

  async head(): Promise<{ readonly version: number; readonly confirmation: string | undefined }> {
    const { rows } = await this.#client.query<{ version: string; confirmation: string | null }>(
      'select version, confirmation from snapshot.head',
    )
    return {
      version: Number(rows[0]?.version ?? 0),
      confirmation: rows[0]?.confirmation ?? undefined,
    }
  }

  async changesAfter(
    version: number,
  ): Promise<readonly { readonly version: number; readonly text: string }[]> {
    const { rows } = await this.#client.query<{ version: string; text: string }>(
      'select version, text from snapshot.change where version > $1 order by version limit $2',
      [version, CHANGES_MAX],
    )
    return rows.map(({ version, text }) => ({ version: Number(version), text }))
  }

  async baseAfter(
    version: number,
  ): Promise<(StoredBase & { readonly version: number }) | undefined> {
    const { rows } = await this.#client.query<{ version: string; text: string }>(
      'select version, text from snapshot.base where version > $1 order by version desc limit 1',
      [version],
    )
    const row = rows[0]
    if (row === undefined) return undefined
    return {
      version: Number(row.version),
      text: row.text,
      parts: () => this.#parts(row.version),
    }
  }

  async *#parts(version: string): AsyncGenerator<string> {
    const { rows } = await this.#client.query<{ count: string }>(
      'select count(*) from snapshot.base_part where version = $1',
      [version],
    )
    const count = Number(rows[0]?.count ?? 0)
    for (let number = 0; number < count; number += 1) {
      const part = await this.#client.query<{ text: string }>(
        'select text from snapshot.base_part where version = $1 and number = $2',
        [version, number],
      )
      const text = part.rows[0]?.text
      if (text === undefined) throw refused('a part of the base is gone')
      yield text
    }
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined)
  }
}
