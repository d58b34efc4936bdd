import { RingfenceError } from '../core/errors.ts'

/**
 * An export on its way: frames of a letter, a length (4 bytes, big-endian) and so many bytes. `o`
 * opens an item, `d` is a part of its data, `c` closes it; `m` is the manifest and `e` a failure, and
 * one of these two is the last. A stream that ends without it has been cut off.
 */
export const FRAME_KINDS = ['o', 'd', 'c', 'm', 'e'] as const
export type FrameKind = (typeof FRAME_KINDS)[number]

export interface Frame {
  readonly kind: FrameKind
  readonly bytes: Uint8Array
}

const HEAD_BYTES = 5
/** Larger data are cut up; a larger frame is no frame of ours. */
export const DATA_BYTES_MAX = 256 * 1024
const FRAME_BYTES_MAX = 16 * 1024 * 1024

export function encodeFrame(kind: FrameKind, bytes: Uint8Array | string): Uint8Array {
  const body = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(kind, 0, 'latin1')
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/** Reads frames, one at a time and no further than asked. @throws RingfenceError `engine_unavailable` */
export async function* readFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let waiting = Buffer.alloc(0)
  for await (const chunk of source) {
    waiting = waiting.length === 0 ? Buffer.from(chunk) : Buffer.concat([waiting, chunk])
    let start = 0
    while (waiting.length - start >= HEAD_BYTES) {
      const kind = kindOf(waiting.toString('latin1', start, start + 1))
      const length = waiting.readUInt32BE(start + 1)
      if (kind === undefined || length > FRAME_BYTES_MAX) throw broken()
      const end = start + HEAD_BYTES + length
      if (waiting.length < end) break
      yield { kind, bytes: waiting.subarray(start + HEAD_BYTES, end) }
      start = end
    }
    waiting = waiting.subarray(start)
  }
  if (waiting.length > 0) throw broken()
}

function kindOf(letter: string): FrameKind | undefined {
  return FRAME_KINDS.find((kind) => kind === letter)
}

function broken(): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the cell host’s answer was cut off')
}
