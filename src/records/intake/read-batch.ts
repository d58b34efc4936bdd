import { RingfenceError } from '../../core/errors.ts'

/** More than a shipper ever sends at once. */
export const BATCH_BYTES_MAX = 2 * 1024 * 1024
const LINES_MAX = 20_000

/** The lines of a request's body. @throws RingfenceError `too_large`, `invalid_argument` */
export async function readBatch(request: Request): Promise<readonly string[]> {
  if (Number(request.headers.get('content-length') ?? 0) > BATCH_BYTES_MAX) throw tooLarge()
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > BATCH_BYTES_MAX) throw tooLarge()
    chunks.push(chunk)
  }
  const text = decoded(Buffer.concat(chunks))
  if (text === '') return []
  if (!text.endsWith('\n')) throw new RingfenceError('invalid_argument', 'the last line is torn')
  const lines = text.slice(0, -1).split('\n')
  if (lines.length > LINES_MAX) throw tooLarge()
  return lines
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new RingfenceError('invalid_argument', 'the body is not UTF-8', { cause: error })
  }
}

const tooLarge = () => new RingfenceError('too_large', 'send fewer lines at once')
