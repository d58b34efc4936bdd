import { connect } from 'node:tls'

/** RFC 9113, section 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  continuation: 9,
}
export const END_STREAM = 1
export const END_HEADERS = 4
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Fields as literals without a table (RFC 7541, section 6.2.2): as they are, whatever they are. */
export function fields(pairs: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, 'latin1')
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
    const length: number[] = [127]
    let rest = bytes.length - 127
    for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128)
    return Buffer.concat([Buffer.from([...length, rest]), bytes])
  }
  return Buffer.concat(
    pairs.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  )
}

export const head = (
  path: string,
  authority: string,
  more: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] => [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', path],
  [':authority', authority],
  ...more,
]

export interface RawAnswer {
  /** Frames that came, in order. */
  readonly frames: readonly {
    readonly type: number
    readonly stream: number
    readonly code: number
  }[]
  /** Whether the other side ended the connection. */
  readonly closed: boolean
}

/**
 * Sends frames over TLS as they are, and gives what came back until the other side has ended the
 * connection, or `enough` holds.
 */
export function sendFrames(
  port: number,
  servername: string,
  sent: readonly Buffer[],
  enough: (frames: RawAnswer['frames']) => boolean,
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect({
      ...{ port, host: '127.0.0.1', servername, rejectUnauthorized: false },
      ALPNProtocols: ['h2'],
    })
    let bytes: Buffer = Buffer.alloc(0)
    let seen: RawAnswer['frames'] = []
    let isEnough = false
    socket.on('secureConnect', () => {
      socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.settings, 0, 0), ...sent]))
    })
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      seen = framesIn(bytes)
      isEnough = enough(seen)
      if (isEnough) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve({ frames: seen, closed: !isEnough }))
  })
}

function framesIn(bytes: Buffer): RawAnswer['frames'] {
  const frames: { type: number; stream: number; code: number }[] = []
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3)
    if (at + 9 + length > bytes.length) break
    const type = bytes.readUInt8(at + 3)
    const payload = bytes.subarray(at + 9, at + 9 + length)
    const code =
      type === FRAME.reset && length >= 4
        ? payload.readUInt32BE(0)
        : type === FRAME.goaway && length >= 8
          ? payload.readUInt32BE(4)
          : 0
    frames.push({ type, stream: bytes.readUInt32BE(at + 5), code })
    at += 9 + length
  }
  return frames
}
