import type { GatewayOptions } from './gateway.ts'
import { type Door, stranger, tokenOf, until } from './door.test-support.ts'

/** A try to get something past the front door. */
export interface GatewayAttack {
  readonly title: string
  /** Which check it means to get round. */
  readonly against: string
  readonly options?: Partial<GatewayOptions>
  /** True when it got through: a service saw what it must not, or a caller did. */
  run(door: Door): Promise<boolean>
}

const reached = ({ upstream, billing }: Door) => upstream.seen.length + billing.seen.length > 0
const head = (lines: readonly string[]) => `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`
const bearer = (tenant: string) => `Authorization: Bearer ${tokenOf(tenant)}`

/** A request in one go that should not get through. */
function request(
  against: string,
  title: string,
  lines: () => readonly string[],
  options: Partial<GatewayOptions> = {},
): GatewayAttack {
  return {
    title,
    against,
    options,
    async run(door) {
      let answered = false
      void door.raw(head(lines())).then(() => {
        answered = true
      })
      await until(() => answered || reached(door))
      return reached(door)
    },
  }
}

const HOST = 'Host: api.example'
const GET = 'GET /t/acme/clinic/x HTTP/1.1'

const FORM: readonly GatewayAttack[] = [
  request('method', 'a method that answers with the request', () => [
    'TRACE /t/acme/clinic/x HTTP/1.1',
    HOST,
    bearer('acme'),
  ]),
  request('framing', 'a body that readers measure in two ways', () => [
    'POST /t/acme/clinic/x HTTP/1.1',
    HOST,
    bearer('acme'),
    'Transfer-Encoding: gzip, chunked',
  ]),
  request('one-host', 'two hosts', () => [GET, HOST, 'Host: globex.example', bearer('acme')]),
  request('one-host', 'a host with a user in it', () => [
    GET,
    'Host: globex.example@api.example',
    bearer('acme'),
  ]),
  request('plain-target', 'a path that climbs out of the tenant in disguise', () => [
    'GET /t/acme/clinic/..%2f..%2f..%2ft/globex/clinic/x HTTP/1.1',
    HOST,
    bearer('acme'),
  ]),
  request('plain-target', 'a target with a host of its own', () => [
    'GET http://globex.example/t/acme/clinic/x HTTP/1.1',
    HOST,
    bearer('acme'),
  ]),
  request('no-token-in-query', 'a token where logs keep it', () => [
    `GET /t/acme/clinic/x?access_token=${tokenOf('acme')} HTTP/1.1`,
    HOST,
    bearer('acme'),
  ]),
  request('one-authorization', 'two tokens', () => [GET, HOST, bearer('acme'), bearer('globex')]),
]

const forged = (tenant: string, change: object) =>
  `Authorization: Bearer ${tokenOf(tenant, { ...change })}`

const IDENTITY: readonly GatewayAttack[] = [
  request('token', "a token that a stranger signed in the realm's name", () => [
    GET,
    HOST,
    `Authorization: Bearer ${tokenOf('acme', {}, stranger)}`,
  ]),
  request('token', 'a token that has expired', () => [
    GET,
    HOST,
    forged('acme', { iat: 1_700_000_000, exp: 1_700_000_300 }),
  ]),
  request('token', 'a token for another API', () => [
    GET,
    HOST,
    forged('acme', { aud: 'https://other.example' }),
  ]),
  request(
    'host-is-known',
    'a host that is nobody’s',
    () => [GET, 'Host: evil.example', bearer('acme')],
    { hosts: ['api.example'] },
  ),
  request('host-and-path-agree', "one tenant's path on another's host", () => [
    GET,
    'Host: globex.example',
    bearer('acme'),
  ]),
  request('issuer-is-the-tenants', 'a token of another realm that has the same key', () => [
    'GET /t/initech/clinic/x HTTP/1.1',
    HOST,
    forged('acme', { tenant_id: 'initech' }),
  ]),
  request('token-is-for-the-tenant', "a realm's token that names another tenant", () => [
    GET,
    HOST,
    forged('acme', { tenant_id: 'globex' }),
  ]),
  request('tenant-is-served', 'a suspended tenant', () => [
    'GET /t/hooli/clinic/x HTTP/1.1',
    HOST,
    bearer('hooli'),
  ]),
  request('scope', 'a token for neither reading nor writing', () => [
    GET,
    HOST,
    forged('acme', { scope: 'profile admin' }),
  ]),
  request('no-writes-in-a-pause', 'a write while the tenant moves', () => [
    'DELETE /t/pied/clinic/x HTTP/1.1',
    HOST,
    bearer('pied'),
  ]),
]

const LIMITS: readonly GatewayAttack[] = [
  {
    title: 'more requests than the plan has',
    against: 'rate',
    async run(door) {
      const token = tokenOf('small')
      for (let n = 0; n < 4; n += 1) await door.ask({ path: '/t/small/clinic/x', token })
      return door.upstream.seen.length > 3
    },
  },
  {
    title: 'all seats for one tenant',
    against: 'concurrency',
    options: { limits: { concurrentPerTenant: 2 } },
    async run(door) {
      const token = tokenOf('acme')
      const asking = [1, 2, 3].map(() => door.ask({ path: '/t/acme/clinic/hang', token }))
      // Refused, or with the upstream: all three have got an answer to that.
      await until(() => door.lines.length + door.upstream.hanging.length === 3)
      const through = door.upstream.hanging.length > 2
      for (const response of door.upstream.hanging) response.end()
      await Promise.all(asking)
      return through
    },
  },
  request('body-size', 'a body beyond all measure', () => [
    'POST /t/acme/clinic/x HTTP/1.1',
    HOST,
    bearer('acme'),
    'Content-Length: 100001',
  ]),
]

const ROUTES: readonly GatewayAttack[] = [
  request('method-of-the-api', "a method that is not in the tenant's contract", () => [
    'DELETE /t/reader/clinic/x HTTP/1.1',
    HOST,
    bearer('reader'),
  ]),
]

/** A field that must not arrive as it was sent. */
function field(against: string, title: string, lines: readonly string[], name: string) {
  return {
    title,
    against,
    async run(door: Door) {
      await door.raw(head([GET, HOST, bearer('acme'), ...lines]))
      const seen = door.upstream.seen[0]?.headers[name] ?? ''
      return /spoof/i.test(seen)
    },
  }
}

const HEADERS: readonly GatewayAttack[] = [
  field('strip-trusted', 'a tenant in a field', ['X-Tenant-Id: spoof'], 'x-tenant-id'),
  field(
    'strip-trusted',
    'a tenant in a field with an underscore',
    ['X_Tenant_Id: spoof'],
    'x_tenant_id',
  ),
  field('strip-trusted', 'a user in a field', ['X-User-Id: spoof'], 'x-user-id'),
  field('strip-trusted', 'a path in a field', ['X-Original-URL: /spoof'], 'x-original-url'),
  field('strip-trusted', 'the token itself', ['X-Auth-Token: spoof'], 'x-auth-token'),
  field(
    'strip-hop-by-hop',
    'a field that takes the context away at the next hop',
    ['Connection: ringfence-context, spoof'],
    'connection',
  ),
  field('strip-hop-by-hop', 'a field for this hop alone', ['TE: spoof'], 'te'),
  {
    title: 'a service that speaks in the name of the gateway',
    against: 'strip-answer',
    async run(door) {
      const { headers } = await door.ask({ path: '/t/acme/clinic/boast', token: tokenOf('acme') })
      return 'ringfence-tenant' in headers
    },
  },
  {
    title: 'a service that speaks for the whole host, which other tenants share',
    against: 'scope-answer',
    async run(door) {
      const path = '/t/acme/clinic/whole-host'
      const { headers } = await door.ask({ path, token: tokenOf('acme') })
      const cookies = [headers['set-cookie'] ?? []].flat()
      const isWide = cookies.some((cookie) => !cookie.endsWith('; Path=/t/acme'))
      const leadsOut = !String(headers['location']).startsWith('/t/acme/')
      return isWide || leadsOut || 'clear-site-data' in headers
    },
  },
]

export const GATEWAY_ATTACKS: readonly GatewayAttack[] = [
  ...FORM,
  ...IDENTITY,
  ...ROUTES,
  ...LIMITS,
  ...HEADERS,
]
