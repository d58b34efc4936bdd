import { isIP, isIPv4 } from 'node:net'

const MAPPED_PREFIX = '::ffff:'

/** IPv4 addresses inside IPv6: what a socket for both says of a caller by IPv4. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

/**
 * An address as ranges are compared with it and as logs show it: IPv4 as IPv4 however it was wrapped,
 * IPv6 in its one short form (RFC 5952), no zone. Undefined for what is no address.
 */
export function parseAddress(text: string): string | undefined {
  const family = isIP(text)
  if (family === 4) return text
  if (family === 0) return undefined
  // As every socket for both families says it.
  if (text.startsWith(MAPPED_PREFIX) && isIPv4(text.slice(MAPPED_PREFIX.length))) {
    return text.slice(MAPPED_PREFIX.length)
  }
  const zone = text.indexOf('%')
  const plain = zone < 0 ? text : text.slice(0, zone)
  const short = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  const [, high, low] = MAPPED.exec(short) ?? []
  return high === undefined || low === undefined ? short : dotted(high, low)
}

function dotted(high: string, low: string): string {
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

/** What stands for a caller whose address nobody knows: it is in no range. */
export const UNKNOWN_ADDRESS = 'unknown'
