import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { LogName } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseCheckpoint } from '../../transparency/checkpoint.ts'
import { parseNote } from '../../transparency/signed-note.ts'
import { tilePath, tilesOf } from '../../transparency/tile-path.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'

/**
 * Writes a log into a directory as C2SP tlog-tiles lays it out, for any web server and for
 * `ringfence audit verify`: `checkpoint`, `tile/…`, and beside them `keys` (the announcements of later
 * keys) and `log.vkey` (the first key, for people who trust whoever gave them the directory). A full
 * tile that is there is not written again, so that an export can be brought up to date.
 *
 * @param isThere tells that a path was written by an earlier export; default none was
 * @returns the size that was exported
 * @throws RingfenceError `not_found` for a log without a checkpoint
 */
export async function exportLog(
  store: PostgresLogStore,
  log: LogName,
  directory: string,
  isThere: (path: string) => boolean = () => false,
): Promise<number> {
  const note = await store.checkpoint(log)
  if (note === undefined) throw new RingfenceError('not_found', `${log} has no checkpoint`)
  const { size } = parseCheckpoint(parseNote(note).text)
  for (const tile of tilesOf(size)) {
    const path = tilePath(tile)
    if (tile.width === 256 && isThere(path)) continue
    const bytes = await store.tile(log, path)
    if (bytes === undefined) throw new RingfenceError('internal', `${log} has no ${path}`)
    await put(directory, path, bytes)
  }
  const keys = await store.resource(log, 'keys')
  if (keys !== undefined) await put(directory, 'keys', keys)
  const [first] = await store.keys(log)
  if (first !== undefined) await put(directory, 'log.vkey', Buffer.from(`${first.vkey}\n`))
  // Last, so that whoever reads meanwhile finds all that a checkpoint holds.
  await put(directory, 'checkpoint', Buffer.from(note))
  return size
}

async function put(directory: string, path: string, bytes: Uint8Array): Promise<void> {
  const file = join(directory, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, bytes)
  await rename(`${file}.new`, file)
}
