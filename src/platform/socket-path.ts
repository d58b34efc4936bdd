import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Longest path that a unix socket may have on Linux (sun_path), less the terminating byte. */
const SOCKET_PATH_BYTES_MAX = 107

/**
 * The path of a unix socket: in `directory`, or, where that path is too long for the kernel, in a
 * short directory of our own user's whose name follows from it, so that other processes find it too.
 */
export async function socketPathIn(directory: string, name: string): Promise<string> {
  const path = join(resolve(directory), name)
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path
  const digest = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 16)
  const short = join(tmpdir(), `ringfence-${process.getuid?.() ?? 'user'}-${digest}`)
  await mkdir(short, { recursive: true, mode: 0o700 })
  return join(short, name)
}
