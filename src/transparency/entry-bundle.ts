import { RingfenceError } from '../core/errors.ts'

/** An entry's length has 16 bits. */
export const ENTRY_BYTES_MAX = 0xffff

/**
 * C2SP tlog-tiles: entries, each after its length as a big-endian uint16.
 * @throws RingfenceError `too_large`
 */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = []
  for (const entry of entries) {
    if (entry.length > ENTRY_BYTES_MAX) {
      throw new RingfenceError('too_large', 'an entry of a log has at most 65,535 bytes')
    }
    parts.push(Buffer.of(entry.length >> 8, entry.length & 0xff), entry)
  }
  return Buffer.concat(parts)
}

/** The entries of a bundle. Undefined when its lengths and its end do not agree. */
export function decodeBundle(bundle: Uint8Array): Uint8Array[] | undefined {
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bundle.length) {
    const [high, low] = [bundle[at], bundle[at + 1]]
    if (high === undefined || low === undefined) return undefined
    const end = at + 2 + high * 256 + low
    if (end > bundle.length) return undefined
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  return entries
}
