import { connect as connectPlain, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { CertificateMemory } from '../edge/certificate-memory.ts'
import { selfSigned } from '../edge/self-signed.ts'
import type { GatewayAttack } from './attacks.test-support.ts'
import { type Door, tokenOf } from './door.test-support.ts'

export const certificate = await selfSigned(['acme.example', 'globex.example', 'api.example'])
const one = { 'acme.example': certificate, 'globex.example': certificate }
export const certificates = new CertificateMemory(one, certificate)

/** What comes back on a connection until it ends. */
function exchange(socket: Socket, lines: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`)
  })
}

export const said = (tenant: string, host: string, more: readonly string[] = []) => [
  'GET /clinic/x HTTP/1.1',
  `Host: ${host}`,
  `Authorization: Bearer ${tokenOf(tenant)}`,
  ...more,
]

/** One request over TLS, with whatever name in the handshake. */
export async function overTls(
  port: number,
  servername: string | undefined,
  lines: readonly string[],
): Promise<string> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
  })
  return exchange(socket, lines)
}

const handshake = (title: string, servername: string | undefined, host: string): GatewayAttack => ({
  title,
  against: 'handshake-is-for-the-host',
  async run(door) {
    const port = await door.front({ certificates })
    await overTls(port, servername, said('globex', host))
    return door.upstream.seen.length > 0
  },
})

const OUTSIDE = '198.51.100.7'
const INSIDE = '192.0.2.7'

/** A request of acme, which is to be called from 192.0.2.0/24 alone, through a proxy of ours. */
const network = (title: string, more: readonly string[], proxies: boolean): GatewayAttack => ({
  title,
  against: 'network-of-the-tenant',
  async run(door) {
    door.source.change('acme', { network: { allow: ['192.0.2.0/24', '2001:db8::/32'] } })
    await viaProxy(door, more, proxies)
    return door.upstream.seen.length > 0
  },
})

export async function viaProxy(door: Door, more: readonly string[], proxies: boolean) {
  const port = await door.front(proxies ? { trustedProxies: { ranges: ['127.0.0.0/8'] } } : {})
  return exchange(connectPlain(port, '127.0.0.1'), said('acme', 'acme.example', more))
}

export const NETWORK_ATTACKS: readonly GatewayAttack[] = [
  handshake("another tenant's host on a connection made for one", 'acme.example', 'globex.example'),
  handshake('a host on a connection made for none', undefined, 'globex.example'),
  network('a caller from outside', [], false),
  network('a caller who says that it is inside', [`X-Forwarded-For: ${INSIDE}`], false),
  network('a caller who says so to our proxy', [`X-Forwarded-For: ${INSIDE}, ${OUTSIDE}`], true),
  network(
    'a caller who says so in a field that our proxy passes on',
    [`Forwarded: for=${INSIDE}`, `X-Real-IP: ${INSIDE}`, `X-Forwarded-For: ${OUTSIDE}`],
    true,
  ),
  network(
    'a caller who says so in a second field',
    [`X-Forwarded-For: ${INSIDE}`, `X-Forwarded-For: ${OUTSIDE}`],
    true,
  ),
  network('a caller of whom our proxy says nothing', [], true),
  {
    title: 'a good token from a network that detectors have blocked, IPv4 or an IPv6 /64',
    against: 'network-is-not-blocked',
    async run(door) {
      const until = new Date(Date.now() + 3_600_000).toISOString()
      const networks = [OUTSIDE, '2001:db8:0:7::/64']
      door.source.platform({ blocked: networks.map((network) => ({ network, until })) })
      for (const address of [OUTSIDE, `::ffff:${OUTSIDE}`, '2001:db8:0:7:1:2:3:4']) {
        await viaProxy(door, [`X-Forwarded-For: ${address}`], true)
      }
      return door.upstream.seen.length > 0
    },
  },
  {
    title: 'a caller from a network that is shut out, as an IPv4 address inside IPv6',
    against: 'network-of-the-tenant',
    async run(door) {
      door.source.change('acme', { network: { deny: ['198.51.100.0/24'] } })
      for (const address of [`::ffff:${OUTSIDE}`, '::ffff:c633:6407', '0:0:0:0:0:FFFF:c633:6407']) {
        await viaProxy(door, [`X-Forwarded-For: ${address}`], true)
      }
      return door.upstream.seen.length > 0
    },
  },
]
