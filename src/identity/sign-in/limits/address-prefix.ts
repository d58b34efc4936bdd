import { isIPv4, isIPv6 } from 'node:net'

const IPV4_BYTES = 3
const IPV6_GROUPS = 4

/**
 * The network that an address is in, as one customer of a provider has it: /24 of IPv4, /64 of IPv6.
 * Whatever is no address is one network together.
 */
export function addressPrefix(address: string): string {
  const mapped = /^(?:::ffff:)(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  if (isIPv4(mapped)) return `${mapped.split('.').slice(0, IPV4_BYTES).join('.')}.0/24`
  const [plain = ''] = mapped.split('%')
  return isIPv6(plain) ? `${groupsOf(plain).slice(0, IPV6_GROUPS).join(':')}::/64` : 'unknown'
}

/** All eight groups, without leading zeros. */
function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').flatMap(groupOf))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const missing = 8 - before.length - after.length
  return [...before, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...after]
}

/** The last 32 bits may be written as IPv4. */
function groupOf(text: string): readonly string[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16).toString(16)]
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)]
}
