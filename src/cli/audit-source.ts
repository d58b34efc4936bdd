import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { ReadResource } from '../transparency/tile-nodes.ts'
import { carriesToken, NOT_CARRIED } from './carries-token.ts'
import { getResponse } from './get-response.ts'
import type { LogAccess } from './log-access.ts'

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
 * @throws RingfenceError `invalid_argument`, `invalid_url`
 */
export async function openAuditSource(
  where: string,
  token?: string,
  cosignatures = 0,
): Promise<ReadResource> {
  if (/^https?:\/\//.test(where) && URL.canParse(where)) {
    if (token !== undefined && !carriesToken(new URL(where))) {
      throw new RingfenceError('invalid_url', NOT_CARRIED)
    }
    const headers: Record<string, string> =
      token === undefined ? {} : { authorization: `Bearer ${token}` }
    return served({ server: where.replace(/\/+$/, ''), base: '', headers }, cosignatures)
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

/**
 * Reads a log from whoever serves it, with some patience.
 * @param cosignatures how many witnesses must have cosigned the checkpoint that is read
 */
export function served({ server, base, headers }: LogAccess, cosignatures = 0): ReadResource {
  const read: ReadResource = async (path) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const signal = AbortSignal.timeout(TIMEOUT_MS)
        const answer = await getResponse(server, `${base}/${path}`, headers, signal)
        if (answer.status === 404 || answer.status === 410) return undefined
        if (answer.ok) return await bytesOf(answer)
        if (answer.status === 401 || answer.status === 403) throw refused(headers, answer.status)
        throw new RingfenceError('engine_unavailable', `${server}${base}/${path}: ${answer.status}`)
      } catch (error) {
        if (attempt === TRIES || isRefusal(error)) throw unreachable(server, error)
        await sleep(PAUSE_MS * attempt)
      }
    }
  }
  if (cosignatures === 0) return read
  // The newest of all, when none has as many: what is missing is a finding then.
  return async (path) =>
    path === 'checkpoint'
      ? ((await read(`checkpoint?cosignatures=${cosignatures}`)) ?? read(path))
      : read(path)
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

function refused({ authorization }: LogAccess['headers'], status: number): RingfenceError {
  if (authorization === undefined) {
    return new RingfenceError('not_authenticated', 'this log wants to know who reads: --token')
  }
  return status === 401
    ? new RingfenceError('not_authenticated', 'the token is not good here, or not any more')
    : new RingfenceError('forbidden', 'whose token it is may not read this log')
}

const isRefusal = (error: unknown) =>
  error instanceof RingfenceError && ['not_authenticated', 'forbidden'].includes(error.code)

function unreachable(prefix: string, error: unknown): RingfenceError {
  if (error instanceof RingfenceError) return error
  return new RingfenceError('engine_unavailable', `${prefix} does not answer: ${messageOf(error)}`)
}
