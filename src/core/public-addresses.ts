import { BlockList, isIP } from 'node:net'
import { RingfenceError } from './errors.ts'

/** Not on the internet: RFC 6890's registry and its successors, and what clouds keep their metadata at. */
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
  // Metadata of a cloud outside the ranges that are kept for private use.
  '168.63.129.16/32',
]
/** Only global unicast is outside, and of it not what carries IPv4 addresses or is for examples. */
const GLOBAL_V6 = '2000::/3'
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const special = networks([...SPECIAL_V4, ...SPECIAL_V6])
const global = networks([GLOBAL_V6])

/** Which addresses the platform may connect to on a tenant's word. */
export interface AddressRules {
  allows(address: string): boolean
}

/**
 * Public addresses, and the networks that the platform's operator allows besides, as `10.1.0.0/16` or a single address.
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
      if (special.check(address, family)) return false
      return version === 4 || global.check(address, family)
    },
  }
}

function networks(list: readonly string[]): BlockList {
  const networks = new BlockList()
  for (const text of list) {
    const [address = '', given] = text.split('/')
    const version = isIP(address)
    const bits = given ?? (version === 4 ? '32' : '128')
    if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) {
      throw new RingfenceError('invalid_argument', 'a network is written like 10.1.0.0/16')
    }
    networks.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6')
  }
  return networks
}
