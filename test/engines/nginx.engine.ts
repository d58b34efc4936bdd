// The generated configuration in the distribution's nginx, with a real authorizer behind it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import { frontDoorOn, NOT_HELD } from './front-door-on-proxy.ts'
import { meteredOn } from './metered-proxy.ts'
import { NGINX_ATTACKS } from './nginx-attacks.ts'
import { type NginxFrontOptions, openNginxFront } from './nginx-front.ts'
import { cutInTwoWays, TARGET } from './proxy-attacks.ts'
import { certifiedHosts } from './proxy-front.ts'
import { openProxySite } from './proxy-site.ts'

/** What a service sees of a request without a body. */
const ONE = '/base/clinic/x  its own host'

const openNginxSite = (t: TestContext, options: NginxFrontOptions = {}) =>
  openProxySite(t, (gateway) => openNginxFront(gateway, options))

for (const attack of NGINX_ATTACKS) {
  test(`${attack.title}: does not get through`, async (t) => {
    assert.equal(await attack.run(await openNginxSite(t, attack.options)), false)
  })
  test(`${attack.title}: would get through a careless configuration`, async (t) => {
    const site = await openNginxSite(t, { ...attack.options, change: attack.careless })
    assert.equal(await attack.run(site), true)
  })
}

test('an honest request gets through, with the context and the way of the gateway', async (t) => {
  const { ask, service, lines } = await openNginxSite(t)
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
  assert.equal(seen?.headers['accept'], 'text/plain')
  assert.equal(seen?.headers['authorization'], undefined)
  assert.match(seen?.headers['ringfence-context'] ?? '', /^ey/)
  assert.match(
    seen?.headers['forwarded'] ?? '',
    /^for=127\.0\.0\.1;proto=http;host="api\.example"$/,
  )
  assert.match(
    seen?.headers['traceparent'] ?? '',
    /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
  )
  const cached = heard.headers.filter(([name]) => name === 'cache-control')
  assert.deepEqual(cached, [['cache-control', 'private, no-store']])
  const id = heard.headers.find(([name]) => name === 'x-request-id')?.[1]
  assert.equal(seen?.headers['x-request-id'], id)
  assert.ok(lines.some((line) => line.includes(`"request_id":"${id}"`)))
})

test('a body arrives whole, and one that is too large does not', async (t) => {
  const { ask, service } = await openNginxSite(t, { settings: { bodyBytesMax: 1_000 } })
  const token = tokenOf('acme')
  const post = (body: string) => ask({ method: 'POST', target: TARGET, token, body })
  assert.equal((await post('x'.repeat(900))).status, 200)
  assert.equal(service.seen[0]?.body.length, 900)
  assert.equal((await post('x'.repeat(1_001))).status, 413)
  assert.equal(service.seen.length, 1)
})

test('a refusal says what the gateway says', async (t) => {
  const { ask } = await openNginxSite(t)
  const refused = await ask({ target: TARGET })
  assert.equal(refused.status, 401)
  assert.ok(refused.headers.some(([name]) => name === 'www-authenticate'))
  assert.equal(JSON.parse(refused.body).code, 'not_authenticated')
  const nothing = await ask({ target: '/t/acme/nowhere', token: tokenOf('acme') })
  assert.equal(nothing.status, 404)
  assert.equal(JSON.parse(nothing.body).code, 'not_found')
})

test('without its authorizer nginx lets nobody through', async (t) => {
  const { ask, front, service } = await openNginxSite(t)
  await front.closeAuthorizer()
  const { status, body } = await ask({ target: TARGET, token: tokenOf('acme') })
  assert.equal(status, 503)
  assert.equal(JSON.parse(body).code, 'overloaded')
  assert.equal(service.seen.length, 0)
})

test('an nginx with another secret lets nobody through', async (t) => {
  const { ask, service } = await openNginxSite(t, {
    change: (text) =>
      text.replace(
        /include [^;]*secret\.conf;/,
        'proxy_set_header ringfence-proxy-secret "another-secret-0123456789-0123456789";',
      ),
  })
  assert.equal((await ask({ target: TARGET, token: tokenOf('acme') })).status, 503)
  assert.equal(service.seen.length, 0)
})

test('where a service is elsewhere by now, an nginx that does not know it passes nothing on', async (t) => {
  const { ask, source, service } = await openNginxSite(t)
  const [known] = source.current().platform.services
  assert.ok(known)
  source.platform({ services: [{ ...known, upstream: 'http://127.0.0.1:1' }] })
  const { status } = await ask({ target: TARGET, token: tokenOf('acme') })
  assert.equal(status, 503)
  assert.equal(service.seen.length, 0)
})

test('a decision is used again within its second, and the authorizer asked again in the next', async (t) => {
  const { ask, lines } = await openNginxSite(t, { authorizer: { remembered: true } })
  const token = tokenOf('acme')
  for (let n = 0; n < 40; n += 1) {
    assert.equal((await ask({ target: TARGET, token })).status, 200)
  }
  assert.ok(lines.length < 40, `${lines.length} questions`)
})

test('TLS ends at nginx with the certificate of the host, and a handshake is for one host', async (t) => {
  const { ask, wire, address, service } = await openNginxSite(t, { tls: true })
  const token = tokenOf('acme')
  const by = (serverName: string, host: string, target: string) =>
    ask({ serverName, host, target, token })
  assert.equal((await by('acme.example', 'acme.example', '/clinic/x')).status, 200)
  assert.equal((await by('api.example', 'api.example', TARGET)).status, 200)
  assert.match(service.seen[0]?.headers['forwarded'] ?? '', /;proto=https;host="acme\.example"$/)
  assert.equal((await by('globex.example', 'acme.example', '/clinic/x')).status, 421)
  assert.equal((await by('api.example', 'acme.example', '/clinic/x')).status, 421)
  assert.equal((await by('acme.example', 'globex.example', '/clinic/x')).status, 401)
  assert.equal((await by('', 'acme.example', '/clinic/x')).status, 421)
  // A name in a handshake is anybody's text.
  assert.equal((await by('..', 'acme.example', '/clinic/x')).status, 421)
  const asked = { ':path': '/clinic/x', authorization: `Bearer ${token}` }
  const h2 = (serverName: string, authority: string, more = {}) =>
    wire.askHttp2(
      { ...address, tls: { serverName } },
      { ...asked, ':authority': authority, ...more },
    )
  assert.equal((await h2('acme.example', 'acme.example')).status, 200)
  assert.equal((await h2('globex.example', 'acme.example')).status, 421)
  assert.equal((await h2('globex.example', 'acme.example', { ':scheme': 'http' })).status, 421)
  for (const host of ['acme.example', 'globex.example']) {
    assert.deepEqual(await certifiedHosts(address, host), [host])
  }
  for (const host of ['nobody.example', 'ACME.EXAMPLE.', '_default']) {
    assert.deepEqual(await certifiedHosts(address, host), ['api.example'])
  }
  assert.equal(service.seen.length, 3)
})

test('what was decided over one handshake is not used for another', async (t) => {
  const { ask } = await openNginxSite(t, { tls: true, authorizer: { remembered: true } })
  const token = tokenOf('acme')
  const by = (serverName: string) =>
    ask({ serverName, host: 'acme.example', target: '/clinic/x', token })
  for (let n = 0; n < 5; n += 1) {
    assert.equal((await by('acme.example')).status, 200)
    assert.equal((await by('globex.example')).status, 421)
  }
})

test('without its certificate a host is not served, and others are', async (t) => {
  const site = await openNginxSite(t, { tls: true })
  await site.front.removeCertificate('globex.example')
  await assert.rejects(certifiedHosts(site.address, 'globex.example'))
  assert.deepEqual(await certifiedHosts(site.address, 'acme.example'), ['acme.example'])
})

test('bytes that readers cut in two ways are one request, or none', async (t) => {
  const site = await openNginxSite(t)
  for (const seen of await cutInTwoWays(site)) assert.equal(seen, ONE)
  for (const { headers } of site.service.seen) assert.equal(headers['x-folded'], undefined)
})

// nginx forgives some line ends. What it makes of them is one request, as another test shows.
const LINE_ENDS = 'fd-framing-line-ends'

for (const remembered of [false, true]) {
  frontDoorOn(
    `nginx, ${remembered ? 'which remembers decisions' : 'which asks each time'}`,
    (options) => openNginxFront(options, { authorizer: { remembered } }),
    [...NOT_HELD, LINE_ENDS, ...(remembered ? ['fd-load-plan'] : [])],
  )
}

for (const remembered of [false, true]) {
  meteredOn(
    `nginx, ${remembered ? 'which remembers decisions' : 'which asks each time'}`,
    (t, accessLog) => openNginxSite(t, { authorizer: { remembered }, settings: { accessLog } }),
  )
}
