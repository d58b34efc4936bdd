// The generated configuration in a real Envoy, with a real authorizer behind it, asked in both ways.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import { ENVOY_ATTACKS } from './envoy-attacks.ts'
import { type EnvoyFrontOptions, openEnvoyFront } from './envoy-front.ts'
import { frontDoorOn, NOT_HELD } from './front-door-on-proxy.ts'
import { meteredOn } from './metered-proxy.ts'
import { bodyUnsaid, cutInTwoWays, TARGET } from './proxy-attacks.ts'
import { certifiedHosts } from './proxy-front.ts'
import { openProxySite } from './proxy-site.ts'

/** What Envoy forgives and the gateway does not. What comes of it other tests show. */
const FORGIVEN = [
  // Some line ends.
  'fd-framing-line-ends',
  // An upgrade that it does not know: it takes that out.
  'fd-framing-tunnel',
  // A body of unknown length may be a bit too long.
  'fd-load-body',
  // A `Host` beside an authority over HTTP/2: it takes that out.
  'fd-network-two-authorities',
]

for (const protocol of ['grpc', 'http'] as const) {
  const by = protocol === 'grpc' ? 'which asks by gRPC' : 'which asks by plain HTTP'
  const openEnvoySite = (t: TestContext, options: EnvoyFrontOptions = {}) =>
    openProxySite(t, (gateway) =>
      openEnvoyFront(gateway, { ...options, settings: { protocol, ...options.settings } }),
    )

  describe(`attacks on Envoy, ${by}`, () => {
    for (const attack of ENVOY_ATTACKS.filter(({ only = protocol }) => only === protocol)) {
      test(`${attack.title}: does not get through`, async (t) => {
        assert.equal(await attack.run(await openEnvoySite(t, attack.options)), false)
      })
      test(`${attack.title}: would get through a careless configuration`, async (t) => {
        const { leftOut = [], careless: change, options } = attack
        const site = await openEnvoySite(t, { ...options, leftOut, change })
        assert.equal(await attack.run(site), true)
      })
    }
  })

  describe(`Envoy, ${by}`, () => {
    test('an honest request gets through, with the context and the way of the gateway', async (t) => {
      const { ask, service, lines } = await openEnvoySite(t)
      const heard = await ask({
        target: `${TARGET}?a=1&b=%2F`,
        token: tokenOf('acme'),
        headers: [
          ['Accept', 'text/plain'],
          ['Traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
          ['Connection', 'close'],
        ],
      })
      assert.equal(heard.status, 200)
      const [seen] = service.seen
      assert.equal(seen?.url, '/base/clinic/x?a=1&b=%2F')
      assert.equal(seen?.headers['host'], new URL(service.url).host)
      assert.match(seen?.headers['ringfence-context'] ?? '', /^ey/)
      assert.equal(seen?.headers['forwarded'], 'for=127.0.0.1;proto=http;host="api.example"')
      assert.match(
        seen?.headers['traceparent'] ?? '',
        /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
      )
      const id = heard.headers.find(([name]) => name === 'x-request-id')?.[1]
      assert.equal(seen?.headers['x-request-id'], id)
      assert.ok(lines.some((line) => line.includes(`"request_id":"${id}"`)))
      // And nothing that Envoy or the authorizer says for themselves.
      const known = ['host', 'accept', 'ringfence-context', 'forwarded', 'traceparent']
      assert.deepEqual(
        Object.keys(seen?.headers ?? {}).toSorted(),
        [...known, 'x-request-id'].sort(),
      )
      assert.equal(
        heard.headers.find(([name]) => name === 'cache-control')?.[1],
        'private, no-store',
      )
    })

    test('a body arrives whole, and one that is too large does not', async (t) => {
      const { ask, service } = await openEnvoySite(t, { settings: { bodyBytesMax: 600_000 } })
      const token = tokenOf('acme')
      const post = (body: string) =>
        ask({ method: 'POST', target: '/t/acme/clinic/upload', token, body })
      assert.equal((await post('x'.repeat(590_000))).status, 200)
      assert.equal(service.seen[0]?.body.length, 590_000)
      assert.equal((await post('x'.repeat(600_001))).status, 413)
      const chunk = 'x'.repeat(700_000)
      const chunked = await ask({
        method: 'POST',
        target: TARGET,
        token,
        headers: [['Transfer-Encoding', 'chunked']],
        body: `${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`,
      })
      assert.equal(chunked.status, 413)
      assert.equal(service.seen.length, 1)
    })

    test('what asks for another protocol is an ordinary request, or none', async (t) => {
      const { ask, service } = await openEnvoySite(t)
      for (const protocol of ['h2c', 'websocket', 'websocket, h2c', 'TLS/1.3']) {
        await ask({
          target: TARGET,
          token: tokenOf('acme'),
          headers: [
            ['Connection', 'Upgrade, HTTP2-Settings, close'],
            ['Upgrade', protocol],
            ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
          ],
        })
      }
      for (const { headers } of service.seen) {
        assert.equal(headers['upgrade'], undefined)
        assert.equal(headers['http2-settings'], undefined)
      }
    })

    test('a refusal says what the gateway says', async (t) => {
      const { ask } = await openEnvoySite(t)
      const refused = await ask({ target: TARGET })
      assert.equal(refused.status, 401)
      assert.ok(refused.headers.some(([name]) => name === 'www-authenticate'))
      assert.ok(refused.headers.some(([name]) => name === 'x-request-id'))
      assert.equal(JSON.parse(refused.body).code, 'not_authenticated')
      const nothing = await ask({ target: '/t/acme/nowhere', token: tokenOf('acme') })
      assert.equal(nothing.status, 404)
      assert.equal(JSON.parse(nothing.body).code, 'not_found')
      const head = await ask({ method: 'HEAD', target: TARGET })
      assert.equal(head.status, 401)
    })

    test('without its authorizer Envoy lets nobody through', async (t) => {
      const { ask, front, service } = await openEnvoySite(t)
      await front.closeAuthorizer()
      const { status, body } = await ask({ target: TARGET, token: tokenOf('acme') })
      assert.equal(status, 503)
      assert.equal(JSON.parse(body).code, 'overloaded')
      assert.equal(service.seen.length, 0)
    })

    test('an Envoy without the secret lets nobody through', async (t) => {
      const { ask, service } = await openEnvoySite(t, {
        change: (text) =>
          text.replace('"header": "ringfence-proxy-secret"', '"header": "ringfence-other"'),
      })
      assert.equal((await ask({ target: TARGET, token: tokenOf('acme') })).status, 503)
      assert.equal(service.seen.length, 0)
    })

    test('no field says from where a caller comes', async (t) => {
      const { ask, source, service } = await openEnvoySite(t)
      source.change('acme', { network: { allow: ['192.0.2.0/24'] } })
      for (const name of [
        'X-Forwarded-For',
        'X-Real-IP',
        'X-Envoy-External-Address',
        'Ringfence-Original-Address',
      ]) {
        const headers = [[name, '192.0.2.7']] as const
        assert.equal((await ask({ target: TARGET, token: tokenOf('acme'), headers })).status, 403)
      }
      assert.equal(service.seen.length, 0)
    })

    test('where a service is elsewhere by now, an Envoy that does not know it passes nothing on', async (t) => {
      const { ask, source, service } = await openEnvoySite(t)
      const [known] = source.current().platform.services
      assert.ok(known)
      source.platform({ services: [{ ...known, upstream: 'http://127.0.0.1:1' }] })
      const { status, body } = await ask({ target: TARGET, token: tokenOf('acme') })
      assert.equal(status, 503)
      assert.equal(JSON.parse(body).code, 'overloaded')
      assert.equal(service.seen.length, 0)
    })

    test('a service that is away is said to be, in the form of the gateway', async (t) => {
      const { ask } = await openEnvoySite(t, {
        change: (text) =>
          text.replace(/"port_value": \d+(?=\s*\}\s*\}\s*\},\s*"load_bal)/, '"port_value": 1'),
      })
      const { status, body } = await ask({ target: TARGET, token: tokenOf('acme') })
      assert.equal(status, 502)
      assert.equal(JSON.parse(body).code, 'upstream_failed')
    })

    test('what `Connection` names does not arrive', async (t) => {
      const { ask, service } = await openEnvoySite(t)
      await ask({
        target: TARGET,
        token: tokenOf('acme'),
        headers: [
          ['Connection', 'close, cookie, X-Named'],
          ['Cookie', 'a=1'],
          ['X-Named', '1'],
        ],
      })
      for (const { headers } of service.seen) {
        assert.equal(headers['cookie'], undefined)
        assert.equal(headers['x-named'], undefined)
      }
    })

    test('of two authorities the one goes on that was decided about', async (t) => {
      const { wire, address, service } = await openEnvoySite(t, { tls: true })
      const ask = (authority: string, host: string) =>
        wire.askHttp2(
          { ...address, tls: { serverName: 'acme.example' } },
          {
            ':authority': authority,
            ':path': '/clinic/x',
            host,
            authorization: `Bearer ${tokenOf('acme')}`,
          },
        )
      await ask('acme.example', 'globex.example')
      assert.notEqual((await ask('globex.example', 'acme.example')).status, 200)
      for (const { headers } of service.seen) {
        assert.equal(headers['host'], new URL(service.url).host)
        assert.match(headers['forwarded'] ?? '', /host="acme\.example"$/)
      }
    })

    test('a body over HTTP/2 of which nobody was told does not arrive', async (t) => {
      assert.equal(await bodyUnsaid(await openEnvoySite(t, { tls: true })), false)
    })

    test('bytes that readers cut in two ways are one request, or none', async (t) => {
      const site = await openEnvoySite(t)
      for (const seen of await cutInTwoWays(site)) {
        assert.equal(seen, '/base/clinic/x  its own host')
      }
    })

    test('TLS ends at Envoy with the certificate of the host, and a handshake is for one host', async (t) => {
      const { ask, wire, address } = await openEnvoySite(t, { tls: true })
      const token = tokenOf('acme')
      const by = (serverName: string, host: string, target: string) =>
        ask({ serverName, host, target, token })
      assert.equal((await by('acme.example', 'acme.example', '/clinic/x')).status, 200)
      assert.equal((await by('api.example', 'api.example', TARGET)).status, 200)
      assert.equal((await by('globex.example', 'acme.example', '/clinic/x')).status, 421)
      assert.equal((await by('api.example', 'acme.example', '/clinic/x')).status, 421)
      assert.equal((await by('', 'acme.example', '/clinic/x')).status, 421)
      const asked = { ':path': '/clinic/x', authorization: `Bearer ${token}` }
      const h2 = (serverName: string, authority: string) =>
        wire.askHttp2({ ...address, tls: { serverName } }, { ...asked, ':authority': authority })
      assert.equal((await h2('acme.example', 'acme.example')).status, 200)
      assert.equal((await h2('globex.example', 'acme.example')).status, 421)
      for (const host of ['acme.example', 'globex.example']) {
        assert.deepEqual(await certifiedHosts(address, host), [host])
      }
      assert.deepEqual(await certifiedHosts(address, 'nobody.example'), ['api.example'])
    })
  })

  meteredOn(`Envoy, ${by}`, (t, accessLog) => openEnvoySite(t, { settings: { accessLog } }))

  frontDoorOn(`Envoy, ${by}`, (options) => openEnvoyFront(options, { settings: { protocol } }), [
    ...NOT_HELD,
    ...FORGIVEN,
  ])
}
