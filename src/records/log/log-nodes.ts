import type { LogName } from '../../audit/entry.ts'
import { TileNodes } from '../../transparency/tile-nodes.ts'
import { encodeBundle } from '../../transparency/entry-bundle.ts'
import { parseTilePath, type Tile, TILE_WIDTH } from '../../transparency/tile-path.ts'
import type { LogDatabase } from './log-database.ts'

/** What C2SP tlog-tiles serves at a path. Undefined for what is not there. */
export async function readTile(
  database: LogDatabase,
  log: LogName,
  path: string,
): Promise<Uint8Array | undefined> {
  const tile = parseTilePath(path)
  if (tile === undefined) return undefined
  const rows = await readRows(database, log, tile)
  if (rows.length < tile.width) return undefined
  const parts = rows.map(({ bytes }) => bytes)
  return tile.level === 'entries' ? encodeBundle(parts) : Buffer.concat(parts)
}

function readRows(database: LogDatabase, log: LogName, { level, index, width }: Tile) {
  const from = index * TILE_WIDTH
  const values = [log, from, from + width]
  if (level === 'entries' || level === 0) {
    return database.query<{ readonly bytes: Buffer }>(
      `select ${level === 0 ? 'hash' : 'bytes'} as bytes from records.log_entry
       where log = $1 and place >= $2 and place < $3 order by place`,
      values,
    )
  }
  return database.query<{ readonly bytes: Buffer }>(
    `select hash as bytes from records.log_node
     where log = $1 and place >= $2 and place < $3 and level = $4 order by place`,
    [...values, level],
  )
}

/** The tree of a log's first `size` entries, as it is in the database. */
export function logNodes(database: LogDatabase, log: LogName, size: number): TileNodes {
  return new TileNodes((path) => readTile(database, log, path), size)
}
