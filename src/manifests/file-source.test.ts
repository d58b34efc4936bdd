import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { AddressInfo } from 'node:net'
import { stringify } from 'yaml'
import { parseTenantId } from '../core/tenant.ts'
import { type PublicJwk, SigningKey } from '../tokens/signing-key.ts'
import { FileSource, type FileSourceOptions } from './file-source.ts'
import { InvalidManifests } from './problem.ts'

const key = (await SigningKey.create('ES256')).publicJwk
const ACME = parseTenantId('acme')
const GLOBEX = parseTenantId('globex')

const form = (kind: string, metadata: object, spec: object) =>
  stringify({ apiVersion: 'ringfence.dev/v1', kind, metadata, spec })
const PLAN = { tiers: ['pooled'], requestsPerMinute: 9, leasesPerMinute: 9, leaseSecondsMax: 9 }
const platform = (plan: object = {}) =>
  [
    form('Upstream', { name: 'records' }, { servers: [{ url: 'http://127.0.0.1:1' }] }),
    form('Plan', { name: 'standard' }, { ...PLAN, ...plan }),
  ].join('---\n')
const tenant = (name: string, more: object = {}, keys: object = { keys: [key] }) =>
  form(
    'Tenant',
    { name },
    {
      ...{ tier: 'pooled', region: 'eu-west', plan: 'standard' },
      realm: { issuer: `https://id.example/${name}`, keys },
      ...more,
    },
  )
const contract = (name: string, upstream: object) =>
  form('Contract', { name: 'own', tenant: name }, { apis: [{ name: 'a', prefix: '/a', upstream }] })
const RECORDS = { of: 'platform', name: 'records' }

async function opened(
  t: TestContext,
  files: Record<string, string>,
  more: Partial<FileSourceOptions> = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'rf-files-'))
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
  for (const [name, text] of Object.entries(files)) write(name, text)
  const told: string[] = []
  const open = () =>
    FileSource.open({
      directory,
      audience: 'https://api.example',
      contextKeys: [key],
      policies: { store: () => ({ problems: [], parsed: 'compiled' }), platform: () => [] },
      onTrouble: (why) => told.push(why),
      lookEveryMs: 3_600_000,
      ...more,
    })
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return { directory, write, told, open }
}

test('files alone are a configuration: platform, tenants, hosts', async (t) => {
  const { open } = await opened(t, {
    'platform.yaml': platform(),
    'acme.yaml': tenant('acme', { hosts: ['acme.example'] }) + '---\n' + contract('acme', RECORDS),
  })
  const source = await open()
  t.after(() => source.close())
  const now = source.current()
  assert.deepEqual(
    [...now.tenants()].map(({ id }) => id),
    [ACME],
  )
  assert.equal(now.tenantOfHost('acme.example')?.id, ACME)
  assert.equal(now.tenant(ACME)?.contract?.apis[0]?.upstream.name, 'records')
  assert.deepEqual(now.tenant(ACME)?.keys, [key])
  assert.equal(now.platform.plans[0]?.requestsPerMinute, 9)
})

test('what changed is told, and what did not stays the very same object', async (t) => {
  const { open, write } = await opened(t, {
    'platform.yaml': platform(),
    'acme.yaml': tenant('acme'),
    'globex.yaml': tenant('globex'),
  })
  const source = await open()
  t.after(() => source.close())
  const before = source.current()
  const [acme, globex] = [before.tenant(ACME), before.tenant(GLOBEX)]
  const changes: (readonly string[])[] = []
  source.onChange((changed) => changes.push(changed))
  write('acme.yaml', tenant('acme') + '---\n' + contract('acme', RECORDS))
  await source.look()
  assert.deepEqual(changes, [[ACME]])
  assert.notEqual(source.current().tenant(ACME), acme)
  assert.equal(source.current().tenant(GLOBEX), globex)
  // One that was got before answers from what is newest.
  assert.equal(before.tenant(ACME), source.current().tenant(ACME))
  write('platform.yaml', platform({ requestsPerMinute: 10 }))
  await source.look()
  assert.deepEqual(changes.at(-1), [ACME, GLOBEX])
  assert.equal(source.current().tenant(GLOBEX), globex)
})

test('a bad state of the files is told once, by file and line, and the last good one stays', async (t) => {
  const { open, write, told, directory } = await opened(t, {
    'platform.yaml': platform(),
    'acme.yaml': tenant('acme'),
  })
  const source = await open()
  t.after(() => source.close())
  const before = source.current().tenant(ACME)
  write('acme.yaml', tenant('acme') + '---\n' + contract('acme', { of: 'tenant', name: 'missing' }))
  for (let n = 0; n < 3; n += 1) await source.look()
  assert.equal(told.length, 1, told.join('\n'))
  assert.match(told[0] ?? '', /acme\.yaml:\d+:\d+: spec\.apis\[0\]\.upstream: /)
  assert.equal(source.current().tenant(ACME), before)
  write('acme.yaml', tenant('acme') + '---\n' + contract('acme', RECORDS))
  await source.look()
  assert.equal(source.current().tenant(ACME)?.contract?.name, 'own')
  rmSync(directory, { recursive: true, force: true })
  await source.look()
  assert.ok(source.current().tenant(ACME))
})

test('a change of a file is seen without being asked for', async (t) => {
  const { open, write } = await opened(
    t,
    { 'p.yaml': platform(), 'a.yaml': tenant('acme') },
    { lookEveryMs: 20 },
  )
  const source = await open()
  t.after(() => source.close())
  const changed = new Promise((resolve) => source.onChange(resolve))
  write('b.yaml', tenant('globex'))
  assert.deepEqual(await changed, [GLOBEX])
})

test('nothing is served from files that are not good to begin with', async (t) => {
  const shared = { hosts: ['shared.example'] }
  for (const [what, files] of Object.entries({
    'nobody’s contract': { 'c.yaml': contract('nobody', RECORDS) },
    'no realm': { 'a.yaml': tenant('acme', { realm: undefined }) },
    'a plan that there is not': { 'a.yaml': tenant('acme', { plan: 'gold' }) },
    'one host for two': { 'a.yaml': tenant('acme', shared), 'b.yaml': tenant('globex', shared) },
    'one issuer for two': {
      'a.yaml': tenant('acme'),
      'b.yaml': tenant('globex', {
        realm: { issuer: 'https://id.example/acme', keys: { keys: [key] } },
      }),
    },
    'another tenant’s upstream': {
      'a.yaml': tenant('acme') + '---\n' + contract('acme', { of: 'tenant', name: 'crm' }),
      'b.yaml':
        tenant('globex') +
        '---\n' +
        form(
          'Upstream',
          { name: 'crm', tenant: 'globex' },
          { servers: [{ url: 'https://crm.example.com' }] },
        ),
    },
    'an upstream at another tenant’s host': {
      'a.yaml':
        tenant('acme') +
        '---\n' +
        form(
          'Upstream',
          { name: 'crm', tenant: 'acme' },
          { servers: [{ url: 'https://globex.example' }] },
        ),
      'b.yaml': tenant('globex', { hosts: ['globex.example'] }),
    },
    'a private key': { 'a.yaml': tenant('acme', {}, { keys: [{ ...key, d: 'AAAA' }] }) },
  })) {
    const { open } = await opened(t, { 'platform.yaml': platform(), ...files })
    await assert.rejects(open(), InvalidManifests, what)
  }
})

test('keys at an address are read again and again, and those that were good stay when it is away', async (t) => {
  let keys: unknown = { keys: [key, { kty: 'RSA', kid: 'other', alg: 'RS256' }] }
  let status = 200
  const server = createServer((_request, response) => {
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(JSON.stringify(keys))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const { open, told } = await opened(t, {
    'p.yaml': platform(),
    'a.yaml': tenant('acme', {}, { url }),
  })
  const source = await open()
  t.after(() => source.close())
  const kids = () =>
    source
      .current()
      .tenant(ACME)
      ?.keys.map(({ kid }: PublicJwk) => kid)
  assert.deepEqual(kids(), [key.kid])
  keys = { keys: [{ ...key, kid: 'next' }] }
  await source.look()
  assert.deepEqual(kids(), [key.kid])
  now += 300_000
  await source.look()
  assert.deepEqual(kids(), ['next'])
  for (const away of [302, 500]) {
    status = away
    now += 300_000
    await source.look()
    assert.deepEqual(kids(), ['next'])
  }
  assert.equal(told.length, 2)
})
