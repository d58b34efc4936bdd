import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Door, tokenOf } from '../door.test-support.ts'
import { openMcpSite } from './mcp-site.test-support.ts'

const METADATA = '/.well-known/oauth-protected-resource'
const OWN = 'http://acme.example/mcp'

const CALL = JSON.stringify({
  ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
  params: { name: 'clinic_listPatients', arguments: { ward: 'x' } },
})

/** A tool called at a host, and what came of it. */
async function call(door: Door, host: string, token: string, path = '/mcp') {
  const before = door.upstream.seen.length
  const { status } = await door.ask({
    ...{ method: 'POST', path, host, token, body: CALL },
    headers: ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'],
  })
  return [status, door.upstream.seen.length - before]
}

test('at a tenant’s own host the metadata is about the very URL that was called, and whole hosts are none', async (t) => {
  const { door } = await openMcpSite(t)
  const asked = await door.ask({ method: 'POST', path: '/mcp', host: 'acme.example', body: '{}' })
  const challenge = String(asked.headers['www-authenticate'])
  assert.match(challenge, /resource_metadata="http:\/\/acme\.example\/\.well-known\/[\w-]+\/mcp"/)
  for (const host of ['acme.example', 'ACME.example', 'acme.example:8080']) {
    const { body } = await door.ask({ path: `${METADATA}/mcp`, host })
    const { resource, authorization_servers } = JSON.parse(body)
    assert.equal(resource, `http://${host.toLowerCase()}/mcp`)
    assert.deepEqual(authorization_servers, ['https://id.example/realms/acme'])
  }
  assert.equal((await door.ask({ path: METADATA, host: 'acme.example' })).status, 401)
  const byPath = await door.ask({ path: `${METADATA}/t/acme/mcp`, host: 'acme.example' })
  assert.equal(JSON.parse(byPath.body).resource, 'https://api.example')
})

test('a token for the tools at a tenant’s own host calls them there, and opens nothing anywhere else', async (t) => {
  const { door } = await openMcpSite(t)
  const { source } = door
  const acme = source.current().tenantOfHost('acme.example')
  source.change('acme', { ...acme, hosts: ['acme.example', 'second.example'] })
  const own = tokenOf('acme', { aud: OWN })
  assert.deepEqual(await call(door, 'acme.example', own), [200, 1])
  // Also after it was good there.
  for (const [host, path] of [
    ['second.example', '/mcp'],
    ['acme.example:8080', '/mcp'],
    ['acme.example', '/t/acme/mcp'],
    ['api.example', '/t/acme/mcp'],
    ['globex.example', '/mcp'],
  ] as const) {
    assert.deepEqual(await call(door, host, own, path), [401, 0], `${host}${path}`)
  }
  for (const [host, path] of [
    ['acme.example', '/clinic/patients?ward=x'],
    ['api.example', '/t/acme/clinic/patients?ward=x'],
  ] as const) {
    assert.equal((await door.ask({ host, path, token: own })).status, 401, `${host}${path}`)
  }
  assert.deepEqual(await call(door, 'acme.example', own), [200, 1])
})

test('a token for the whole API is good at the tenant’s own host as everywhere', async (t) => {
  const { door } = await openMcpSite(t)
  const token = tokenOf('acme')
  assert.deepEqual(await call(door, 'acme.example', token), [200, 1])
  assert.deepEqual(await call(door, 'api.example', token, '/t/acme/mcp'), [200, 1])
})

test('a token for somebody else’s host, or for several, is good for none', async (t) => {
  const { door } = await openMcpSite(t)
  for (const aud of [
    'http://globex.example/mcp',
    'https://acme.example/mcp',
    'http://acme.example/',
    'http://acme.example/mcp/',
    [OWN],
    [OWN, 'https://api.example'],
    undefined,
  ]) {
    const token = tokenOf('acme', { aud })
    assert.deepEqual(await call(door, 'acme.example', token), [401, 0], JSON.stringify(aud))
  }
})
