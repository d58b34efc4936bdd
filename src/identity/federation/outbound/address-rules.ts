import { BlockList, isIP } from 'node:net'
import { RingfenceError } from '../../../core/errors.ts'

/** Networks that are nobody's on the Internet: RFC 6890 and its successors. */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Link-local: cloud metadata services are here.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Of IPv6 only this is public, without what stands for an IPv4 address or for documentation. */
const PUBLIC_V6 = ['2000::/3']
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const specialV4 = networks(SPECIAL_V4)
const publicV6 = networks(PUBLIC_V6)
const specialV6 = networks(SPECIAL_V6)

/** Which addresses the platform may connect to on a tenant's word. */
export interface AddressRules {
  allows(address: string): boolean
}

/**
 * Public addresses, and the networks given by the platform's operator, as `10.1.0.0/16`.
 * @throws RingfenceError `invalid_argument`
 */
export function addressRules(allowed: readonly string[] = []): AddressRules {
  const exceptions = networks(allowed)
  return {
    allows(address) {
      const version = isIP(address)
      if (version === 0 || address.includes('%')) return false
      const family = version === 4 ? 'ipv4' : 'ipv6'
      if (exceptions.check(address, family)) return true
      return version === 4
        ? !specialV4.check(address, family)
        : publicV6.check(address, family) && !specialV6.check(address, family)
    },
  }
}

function networks(list: readonly string[]): BlockList {
  const networks = new BlockList()
  for (const text of list) {
    const [address = '', bits = ''] = text.split('/')
    const version = isIP(address)
    if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) {
      throw new RingfenceError('invalid_argument', 'a network is written like 10.1.0.0/16')
    }
    networks.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6')
  }
  return networks
}
