import { RingfenceError } from '../core/errors.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { parseNote } from './signed-note.ts'
import type { ReadResource } from './tile-nodes.ts'
import { TILE_WIDTH, tilePath, tilesOf } from './tile-path.ts'

export interface MirrorLog {
  /** Finds what is served below the log's prefix. */
  readonly read: ReadResource
  /** Puts it where the mirror keeps it: all of a path's bytes, or none. */
  readonly write: (path: string, bytes: Uint8Array) => Promise<void>
  /** Tells that a path was mirrored before. Full tiles never change, and are not read again. */
  readonly has: (path: string) => Promise<boolean>
  readonly onProgress?: (files: number) => void
}

export interface MirroredLog {
  readonly origin: string
  readonly size: number
  /** How many files came now. */
  readonly files: number
  /** Paths that the checkpoint needs and that are not served. Verifying says which entries that is. */
  readonly missing: readonly string[]
}

/**
 * Copies a log as C2SP tlog-tiles lays it out: `tile/…`, `keys` where there are any, and last the
 * `checkpoint`, so that whoever reads the copy meanwhile finds all that its checkpoint holds. Nothing is
 * verified: that is done with the copy.
 * @throws RingfenceError `not_found` when there is no checkpoint, `invalid_evidence` when it is none
 */
export async function mirrorLog({ read, write, has, onProgress }: MirrorLog): Promise<MirroredLog> {
  const checkpoint = await read('checkpoint')
  if (checkpoint === undefined) throw new RingfenceError('not_found', 'there is no checkpoint here')
  const { origin, size } = parseCheckpoint(parseNote(Buffer.from(checkpoint).toString()).text)
  const missing: string[] = []
  let files = 0
  const put = async (path: string, bytes: Uint8Array) => {
    await write(path, bytes)
    files += 1
    onProgress?.(files)
  }
  for (const tile of tilesOf(size)) {
    const path = tilePath(tile)
    if (tile.width === TILE_WIDTH && (await has(path))) continue
    const bytes = await read(path)
    // By now the full one may have taken a partial one's place.
    const full = tilePath({ ...tile, width: TILE_WIDTH })
    const instead = bytes === undefined && full !== path ? await read(full) : undefined
    if (bytes !== undefined) await put(path, bytes)
    else if (instead !== undefined) await put(full, instead)
    else missing.push(path)
  }
  const keys = await read('keys')
  if (keys !== undefined) await put('keys', keys)
  await put('checkpoint', checkpoint)
  return { origin, size, files, missing }
}
