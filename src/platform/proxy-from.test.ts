import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { samplePlatform, sampleTenant } from '../snapshot/sample.test-support.ts'
import { sealRecord } from '../snapshot/seal.ts'
import { recordSchema } from '../snapshot/snapshot.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { planeDocument } from './plane-config.ts'
import { envoyFrom, nginxFrom } from './proxy-from.ts'

test('a proxy is told what the gateway has in force, and of no record that a stranger signed', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'rf-proxy-from-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const at = (name: string) => join(directory, name)
  const [key, stranger] = [await SigningKey.create('EdDSA'), await SigningKey.create('EdDSA')]
  const record = recordSchema.parse({
    kind: 'change',
    version: 1,
    issuedAt: new Date().toISOString(),
    previous: '',
    platform: samplePlatform,
    tenants: [sampleTenant('acme')],
  })
  const database = { host: 'x', port: 1, user: 'x', database: 'x', passwordFile: '/x' }
  const listen = { host: '127.0.0.1', port: 0 }
  const jwk = JSON.parse(JSON.stringify(key.publicJwk)) as typeof key.publicJwk
  await writeFile(
    at('gateway.json'),
    planeDocument('gateway', {
      ...{ database, listen, admin: listen, contextKey: '/x' },
      configuration: { directory, keys: [jwk] },
      revocations: { directory },
    }),
  )
  const settings = {
    listen: '127.0.0.1:8080',
    authorizer: { socket: '/run/authorizer' },
    secretFile: '/etc/secret.conf',
    directory: '/var/lib/nginx',
  }
  await writeFile(at('nginx.json'), JSON.stringify(settings))
  const make = () => nginxFrom(at('gateway.json'), at('nginx.json'))
  await assert.rejects(make(), { code: 'snapshot_stale' })
  await writeFile(at('snapshot.log'), `${await sealRecord(stranger, record)}\n`)
  await assert.rejects(make(), { code: 'snapshot_stale' })
  await writeFile(at('snapshot.log'), `${await sealRecord(key, record)}\n`)
  assert.match(await make(), /server 127\.0\.0\.1:4000 weight=1;/)
  const { listen: place, authorizer } = settings
  const forEnvoy = { listen: place, authorizer, secretFile: '/etc/secret.json' }
  await writeFile(at('envoy.json'), JSON.stringify(forEnvoy))
  assert.match(await envoyFrom(at('gateway.json'), at('envoy.json')), /"port_value": 4000/)
})

test('without a configuration in force, or with settings that are not good, nothing is written', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'rf-proxy-from-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const settings = join(directory, 'nginx.json')
  await writeFile(settings, JSON.stringify({ listen: 'anywhere; }' }))
  await assert.rejects(nginxFrom('gateway.json', settings), { code: 'invalid_argument' })
  await assert.rejects(envoyFrom('gateway.json', settings), { code: 'invalid_argument' })
  await assert.rejects(nginxFrom('gateway.json', join(directory, 'none')), {
    code: 'invalid_argument',
  })
})
