export const LOGO_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const
export type LogoType = (typeof LOGO_TYPES)[number]

export const LOGO_BYTES_MAX = 48 * 1024
const SIDE_MAX = 1000

interface Size {
  readonly width: number
  readonly height: number
}

/** True when the bytes begin as a picture of this type does, and it is of a sensible size. */
export function isRaster(type: LogoType, bytes: Buffer): boolean {
  if (bytes.length > LOGO_BYTES_MAX) return false
  const size = sizeOf(type, bytes)
  return size !== undefined && within(size.width) && within(size.height)
}

function sizeOf(type: LogoType, bytes: Buffer): Size | undefined {
  try {
    if (type === 'image/png') return png(bytes)
    return type === 'image/jpeg' ? jpeg(bytes) : webp(bytes)
  } catch (error) {
    // A picture that ends too early is none.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function within(side: number): boolean {
  return side >= 1 && side <= SIDE_MAX
}

/** PNG, sections 5.2 and 11.2.1: the signature, then the header chunk. */
function png(bytes: Buffer): Size | undefined {
  if (bytes.subarray(0, 8).toString('latin1') !== '\x89PNG\r\n\x1a\n') return undefined
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

/** ITU T.81, annex B: segments, up to the one that begins a frame. */
function jpeg(bytes: Buffer): Size | undefined {
  if (bytes.readUInt16BE(0) !== 0xffd8) return undefined
  let at = 2
  while (bytes.readUInt8(at) === 0xff) {
    const marker = bytes.readUInt8(at + 1)
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (frame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
    at += 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}

/** RFC 9649: a RIFF file with one of three kinds of first chunk. */
function webp(bytes: Buffer): Size | undefined {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF') return undefined
  if (bytes.toString('latin1', 8, 12) !== 'WEBP') return undefined
  const kind = bytes.toString('latin1', 12, 16)
  if (kind === 'VP8 ') {
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
  }
  if (kind === 'VP8L') {
    const bits = bytes.readUInt32LE(21)
    return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 }
  }
  if (kind !== 'VP8X') return undefined
  return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
}
