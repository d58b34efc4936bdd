import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { parseSubject } from '../src/core/names.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import { serveStandalone } from '../src/platform/serve/serve-standalone.ts'
import { signAccessToken } from '../src/tokens/access-token.ts'
import { SigningKey } from '../src/tokens/signing-key.ts'
import { CONTEXT_HEADER } from '../src/tokens/tenant-context.ts'

const AUDIENCE = 'https://api.example'

test('a gateway alone serves what files say, follows them, and stays with the last good ones', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-alone-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const contexts: (string | undefined)[] = []
  const upstream = createServer((request, response) => {
    contexts.push(request.headers[CONTEXT_HEADER.toLowerCase()]?.toString())
    response.end(request.url)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  t.after(() => upstream.close())
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const [acme, globex] = [await SigningKey.create('ES256'), await SigningKey.create('ES256')]
  const form = (kind: string, metadata: object, spec: object) =>
    stringify({ apiVersion: 'ringfence.dev/v1', kind, metadata, spec })
  const tenant = (name: string, key: SigningKey) =>
    form(
      'Tenant',
      { name },
      {
        ...{ tier: 'pooled', region: 'eu-west', plan: 'standard' },
        realm: { issuer: `https://id.example/${name}`, keys: { file: `${name}.jwks.json` } },
      },
    ) + writeKeys(name, key)
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text)
  const writeKeys = (name: string, key: SigningKey) => {
    write(`${name}.jwks.json`, JSON.stringify({ keys: [key.publicJwk] }))
    return ''
  }
  const contract = (...names: string[]) =>
    form(
      'Contract',
      { name: 'own', tenant: 'acme' },
      {
        apis: names.map((name) => ({
          ...{ name, prefix: `/${name}` },
          upstream: { of: 'platform', name: 'records' },
        })),
      },
    )
  const limits = { requestsPerMinute: 600, leasesPerMinute: 60, leaseSecondsMax: 900 }
  write(
    'platform.yaml',
    [
      form('Upstream', { name: 'records' }, { servers: [{ url }] }),
      form('Plan', { name: 'standard' }, { tiers: ['pooled'], ...limits }),
    ].join('---\n'),
  )
  write('acme.yaml', tenant('acme', acme))
  write('globex.yaml', tenant('globex', globex))
  write('contract.yaml', contract('records'))
  const logged: string[] = []
  const served = await serveStandalone(
    {
      directory,
      audience: AUDIENCE,
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      keyFile: join(directory, '.gateway.key'),
      upstreamRanges: [],
    },
    (line) => logged.push(line),
  )
  t.after(() => served.close())
  const token = (name: string, key: SigningKey) =>
    signAccessToken(
      key,
      { issuer: `https://id.example/${name}`, audience: AUDIENCE },
      {
        tenant: parseTenantId(name),
        subject: parseSubject('alice'),
        client: 'web',
        scopes: ['read', 'write'],
        roles: [],
      },
    )
  const [own, others] = [await token('acme', acme), await token('globex', globex)]
  const get = async (path: string, bearer: string) => {
    const headers = { authorization: `Bearer ${bearer}` }
    const answer = await fetch(`${served.url}/t/acme${path}`, { headers })
    return { status: answer.status, text: await answer.text() }
  }
  assert.deepEqual(await get('/records/1', own), { status: 200, text: '/records/1' })
  assert.ok(contexts[0])
  assert.notEqual((await get('/records/1', others)).status, 200)
  assert.equal((await get('/letters/1', own)).status, 404)
  write('contract.yaml', contract('records', 'letters'))
  while ((await get('/letters/1', own)).status !== 200) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  write('contract.yaml', contract('records', 'records'))
  while (!logged.some((line) => line.includes('an API of this name'))) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.equal((await get('/letters/1', own)).status, 200)
})
