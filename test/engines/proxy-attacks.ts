import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { parseApiName, parseContractName, parseUpstreamName } from '../../src/core/names.ts'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import type { ProxySite } from './proxy-site.ts'

/** A way past a proxy and its authorizer, and the careless configuration on which it gets through. */
export interface ProxyAttack<Options> {
  readonly title: string
  readonly options?: Options
  /** A change of the generated text: without it, the attack would not be seen to see anything. */
  readonly careless: (text: string) => string
  /** True when it got through. */
  run(site: ProxySite): Promise<boolean>
}

export const TARGET = '/t/acme/clinic/x'

/** Leaves something out of a configuration. */
export const without = (line: string | RegExp) => instead(line, '')

/** Puts something in the place of something else, everywhere in a configuration. */
export const instead = (line: string | RegExp, by: string) => (text: string) => {
  const changed = typeof line === 'string' ? text.replaceAll(line, by) : text.replace(line, by)
  if (changed === text) throw new Error(`it is not there: ${String(line)}`)
  return changed
}

export const arrived = ({ service }: ProxySite) => service.seen.length > 0

/** A caller that says what only the proxy may say, where only a network is let in. */
export function saysItself(...fields: readonly (readonly [string, string])[]) {
  return async (site: ProxySite) => {
    site.source.change('acme', { network: { allow: ['192.0.2.0/24'] } })
    await site.ask({ target: TARGET, token: tokenOf('acme'), headers: fields })
    return arrived(site)
  }
}

export async function believedFields(site: ProxySite): Promise<boolean> {
  const headers = [
    ['X-Tenant-Id', 'globex'],
    ['X-User-Id', 'globex'],
    ['X-Forwarded-Host', 'globex.example'],
    ['X-Original-URL', '/globex'],
  ] as const
  await site.ask({ target: TARGET, token: tokenOf('acme'), headers })
  return JSON.stringify(site.service.seen[0]?.headers ?? {}).includes('globex')
}

/** Without an answer there is no upstream: nothing is passed on, but nobody was asked either. */
export async function unasked({ ask }: ProxySite): Promise<boolean> {
  return (await ask({ target: TARGET })).status !== 401
}

export async function speaksForTheGateway({ ask }: ProxySite): Promise<boolean> {
  const { headers } = await ask({ target: '/t/acme/clinic/boast', token: tokenOf('acme') })
  return headers.some(([name]) => name === 'ringfence-tenant')
}

/** Bytes that two readers cut into requests at different places. Returns the services' side of it. */
export async function cutInTwoWays({ raw, service }: ProxySite): Promise<readonly string[]> {
  const bearer = `Authorization: Bearer ${tokenOf('acme')}`
  const inner = 'GET /clinic/inner HTTP/1.1\r\nHost: globex.example\r\n\r\n'
  const start = `POST ${TARGET} HTTP/1.1\r\nHost: api.example\r\n${bearer}\r\n`
  const end = 'Connection: close\r\n'
  for (const text of [
    `${start}${end}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
    `${start}${end}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${inner}`,
    `${start}${end}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${inner}`,
    `${start}${end}Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n${inner}`,
    `${start}${end}Content-Length: 0\r\nContent-Length: 60\r\n\r\n${inner}`,
    `${start}${end}X-Folded: a\r\n Host: globex.example\r\nContent-Length: 0\r\n\r\n`,
    `${start.replaceAll('\r\n', '\n')}Connection: close\nContent-Length: 0\n\n`,
  ]) {
    await raw(text)
  }
  const { host } = new URL(service.url)
  return service.seen.map(
    ({ url, body, headers }) =>
      `${url} ${body} ${headers['host'] === host ? 'its own host' : headers['host']}`,
  )
}

const DOCUMENT = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'clinic', version: '1' },
  paths: { '/upload': { get: { responses: { 200: { description: 'read' } } } } },
})

/** A body over HTTP/2, of which the head says nothing, for an operation that takes none. */
export async function bodyUnsaid(site: ProxySite): Promise<boolean> {
  const { source, address, service } = site
  source.change('acme', {
    contract: {
      name: parseContractName('described'),
      apis: [
        {
          name: parseApiName('clinic'),
          prefix: '/clinic',
          upstream: { of: 'platform', name: parseUpstreamName('clinic') },
          openapi: DOCUMENT,
        },
      ],
    },
  })
  const servername = 'acme.example'
  const socket = connectTls({
    ...{ ...address, servername },
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  })
  const session = connectHttp2('https://http2.invalid', { createConnection: () => socket })
  session.on('error', () => undefined)
  const stream = session.request(
    {
      ':authority': servername,
      ':path': '/clinic/upload',
      authorization: `Bearer ${tokenOf('acme')}`,
    },
    { endStream: false },
  )
  stream.on('error', () => undefined)
  // Once the head has been read, so that nobody sees both together.
  setTimeout(() => stream.end('unsaid'), 100)
  await new Promise((resolve) => stream.on('close', resolve).resume())
  session.destroy()
  return service.seen.some(({ body }) => body !== '')
}
