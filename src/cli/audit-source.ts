import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { ReadResource } from '../transparency/tile-nodes.ts'

const TIMEOUT_MS = 30_000
const TRIES = 4
const PAUSE_MS = 500
/** A full bundle of the longest entries is 16 MiB. */
const BYTES_MAX = 32 * 1_024 * 1_024

/**
 * Reads a log from a directory, or from a web server below a prefix, as C2SP tlog-tiles lays it out.
 * @param token for a server that wants a bearer token
 * @param cosignatures how many witnesses must have cosigned the checkpoint that is read: a server gives the
 *   newest of them where it keeps such, a directory has but one
 * @throws RingfenceError `invalid_argument`
 */
export async function openAuditSource(
  where: string,
  token?: string,
  cosignatures = 0,
): Promise<ReadResource> {
  if (/^https?:\/\//.test(where)) {
    const read = fromServer(where.replace(/\/+$/, ''), token)
    if (cosignatures === 0) return read
    // The newest of all, when none has as many: what is missing is a finding then.
    return async (path) =>
      path === 'checkpoint'
        ? ((await read(`checkpoint?cosignatures=${cosignatures}`)) ?? read(path))
        : read(path)
  }
  const isDirectory = await stat(where).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isDirectory) {
    throw new RingfenceError('invalid_argument', `${where} is no directory and no http(s) address`)
  }
  return (path) => fromDirectory(join(where, path))
}

async function fromDirectory(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new RingfenceError('invalid_argument', `${file}: ${messageOf(error)}`)
  }
}

function fromServer(prefix: string, token: string | undefined): ReadResource {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return async (path) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const signal = AbortSignal.timeout(TIMEOUT_MS)
        const answer = await fetch(`${prefix}/${path}`, { headers, signal })
        if (answer.status === 404 || answer.status === 410) return undefined
        if (answer.ok) return await bytesOf(answer)
        throw new RingfenceError('engine_unavailable', `${prefix}/${path}: ${answer.status}`)
      } catch (error) {
        if (attempt === TRIES) throw unreachable(prefix, error)
        await sleep(PAUSE_MS * attempt)
      }
    }
  }
}

async function bytesOf(answer: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    const part = chunk as Uint8Array
    bytes += part.length
    if (bytes > BYTES_MAX) throw new RingfenceError('too_large', 'an answer of the log is too long')
    chunks.push(part)
  }
  return Buffer.concat(chunks)
}

function unreachable(prefix: string, error: unknown): RingfenceError {
  if (error instanceof RingfenceError) return error
  return new RingfenceError('engine_unavailable', `${prefix} does not answer: ${messageOf(error)}`)
}
