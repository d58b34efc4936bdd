import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { scoped } from './answer-scope.ts'
import { type Ask, openDoor, tokenOf } from './door.test-support.ts'
import type { Exchange } from './exchange.ts'
import type { Headers } from './headers.ts'

const HOST = 'https://api.example'
const ASKED = `${HOST}/t/acme/clinic/visits`

/** An answer of the service at `http://10.0.0.1:8080/base`, asked for on the host that tenants share. */
function onSharedHost(headers: Headers, api: object = { prefix: '/' }): Headers {
  const exchange = {
    ofHost: undefined,
    pathNamesTenant: true,
    tenant: { id: 'acme' },
    route: {
      api,
      path: '/clinic/visits',
      upstream: { config: { servers: [{ url: 'http://10.0.0.1:8080/base' }] } },
    },
  }
  return scoped(exchange as unknown as Exchange, headers)
}

const location = (value: string, api?: object) => onSharedHost([['location', value]], api)[0]?.[1]
const cookie = (value: string) => onSharedHost([['set-cookie', value]])[0]?.[1]

test('what a service says of its own paths leads to its tenant’s', () => {
  assert.equal(location('/clinic/visits/3?x=1#top'), '/t/acme/clinic/visits/3?x=1#top')
  assert.equal(location('visits/3'), '/t/acme/clinic/visits/3')
  assert.equal(location('http://10.0.0.1:8080/base/clinic/3'), '/t/acme/clinic/3')
  assert.equal(location('http://10.0.0.1:8080/elsewhere'), '/t/acme/elsewhere')
  assert.equal(location('/t/acme/clinic/3'), '/t/acme/clinic/3')
  assert.equal(location('/3', { prefix: '/clinic', stripPrefix: true }), '/t/acme/clinic/3')
  assert.equal(location('https://elsewhere.example/x'), 'https://elsewhere.example/x')
})

test('what leads to different places by different readers is left out', () => {
  for (const value of ['https:/t/globex/x', 'http:x', ' https:/x', '/\t/elsewhere', 'http://[']) {
    assert.equal(location(value), undefined, value)
  }
})

test('no reference that is a path leads out of its tenant’s', () => {
  const piece = fc.constantFrom(
    '..',
    '.',
    '',
    't',
    'globex',
    'acme',
    '%2e%2e',
    '\\',
    'x?',
    '#',
    ';',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.boolean(), (pieces, isAbsolute) => {
      const value = (isAbsolute ? '/' : '') + pieces.join('/')
      const said = location(value)
      if (said === undefined) return
      const { origin, pathname } = new URL(said, ASKED)
      if (origin !== HOST) assert.equal(said, value)
      else assert.ok(`${pathname}/`.startsWith('/t/acme/'), `${value} became ${said}`)
    }),
  )
})

test('cookies are for the tenant’s path, and for no other host', () => {
  assert.equal(cookie('a=1'), 'a=1; Path=/t/acme')
  assert.equal(cookie('a=1; Path=/; HttpOnly'), 'a=1; HttpOnly; Path=/t/acme')
  assert.equal(cookie('a=1; path = /clinic ; DOMAIN=example'), 'a=1; Path=/t/acme/clinic')
  assert.equal(cookie('a=1; Path=/t/globex; Path=/t/globex'), 'a=1; Path=/t/acme/t/globex')
  assert.equal(cookie('a=1; Path=/t/acme/clinic'), 'a=1; Path=/t/acme/clinic')
  assert.equal(cookie('__Host-a=1; Path=/; Secure'), undefined)
  assert.equal(cookie('__host-a=1; Path=/; Secure'), undefined)
})

test('on the host that tenants share nobody speaks for all of it; on its own host a tenant does', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('acme')
  const ask = (one: Ask) => door.ask({ token, ...one })
  const shared = await ask({ path: '/t/acme/clinic/whole-host' })
  assert.deepEqual(shared.headers['set-cookie'], ['a=1; Path=/t/acme', 'c=3; Path=/t/acme'])
  assert.equal(shared.headers['location'], '/t/acme/clinic/visits/1')
  assert.equal(shared.headers['content-location'], '/t/acme/t/globex/clinic/visits/1')
  for (const name of ['clear-site-data', 'alt-svc']) assert.ok(!(name in shared.headers), name)
  const own = await ask({ path: '/clinic/whole-host', host: 'acme.example' })
  assert.equal(own.headers['set-cookie']?.length, 3)
  assert.equal(own.headers['location'], '/clinic/visits/1')
  for (const name of ['clear-site-data', 'alt-svc']) assert.ok(name in own.headers, name)
})
