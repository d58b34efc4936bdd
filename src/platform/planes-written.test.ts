import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { parseClientId, parseServiceName } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { cosigner, logSigner, newSeed } from '../transparency/note-signer.ts'
import { loadPlaneSpec } from './plane-config.ts'
import { loadPlatform } from './platform-manifest.ts'
import { Secrets } from './secrets.ts'
import { platformSinks } from './serve/alert-sinks.ts'
import { invoicingParts } from './serve/invoicing-parts.ts'
import { witnessOf } from './serve/log-witness.ts'
import { workloadEnvironment } from './workload-environment.ts'
import { placesIn } from './places.ts'
import { tiersOfCell, writePlanes } from './write-planes.ts'

const WITNESS = cosigner('witness.example/w1', newSeed(), () => 1).key.text
const LOG = logSigner('audit.other.example/platform', newSeed()).key.text

let directory: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'rf-planes-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

/** All that a manifest says beyond what every one does, as the planes are told it. */
async function written(spec: object) {
  const path = join(directory, 'platform.yaml')
  const all = { application: './app.yaml', cells: [{ name: 'eu-1', region: 'eu' }], ...spec }
  const metadata = { name: 'demo' }
  const document = { apiVersion: 'ringfence.dev/v1', kind: 'Platform', metadata, spec: all }
  writeFileSync(path, stringify(document))
  const manifest = loadPlatform(path)
  const stateDirectory = join(directory, 'state')
  const secrets = await Secrets.open(stateDirectory)
  mkdirSync(join(stateDirectory, 'planes'), { recursive: true })
  const places = await placesIn(stateDirectory, manifest.cells)
  await writePlanes({
    ...{ manifest, stateDirectory, secrets, places, engine: 'postgres' },
    database: { host: '127.0.0.1', port: 15_432, user: 'x', database: 'control', password: 'x' },
    tiersOf: () => tiersOfCell(false),
  })
  return {
    ...{ stateDirectory, secrets, places },
    identity: loadPlaneSpec('identity', places.config('identity')),
    records: loadPlaneSpec('records', places.config('records')),
    gateway: loadPlaneSpec('gateway', places.config('gateway')),
  }
}

test('what a manifest says of logs, usage, behaviour and limits comes to the planes, with its paths from where it is', async () => {
  const { records, gateway } = await written({
    gateway: {
      hosts: ['platform.example.com'],
      limits: { redis: { url: 'rediss://r.example:6379', user: 'rf', passwordFile: 'redis.pw' } },
    },
    alerts: [{ kind: 'pagerduty', name: 'duty', routingKeyFile: './duty.key' }],
    telemetry: { otlp: { url: 'http://127.0.0.1:4318', headersFile: '/etc/headers' } },
    auditWitnesses: [{ url: 'https://witness.example', key: WITNESS }],
    auditAnchors: [{ directory: 'worm' }],
    witness: { name: 'demo.example/w1', logs: [LOG], listen: { port: 4190 } },
    behaviour: { sigmas: 4, responses: { carriedOut: false } },
    usage: {
      daysKept: 400,
      stream: { servers: ['tls://n.example:4222'], user: 'u', passwordFile: 'n.pw' },
    },
  })
  assert.equal(gateway.limits.redis?.passwordFile, join(directory, 'redis.pw'))
  assert.deepEqual(gateway.hosts, ['platform.example.com'])
  assert.deepEqual(records.alerts, [
    { kind: 'pagerduty', name: 'duty', routingKeyFile: join(directory, 'duty.key') },
  ])
  assert.equal(records.telemetry?.otlp?.headersFile, '/etc/headers')
  assert.deepEqual(records.auditWitnesses, [{ url: 'https://witness.example', key: WITNESS }])
  assert.deepEqual(records.auditAnchors, [{ directory: join(directory, 'worm') }])
  assert.deepEqual([records.behaviour.sigmas, records.behaviour.responses.carriedOut], [4, false])
  assert.equal(records.usage.daysKept, 400)
  assert.equal(records.usage.stream?.passwordFile, join(directory, 'n.pw'))
  assert.ok(records.witness)
  const { signer, logs } = await witnessOf(records.witness)
  assert.match(signer.key.text, /^demo\.example\/w1\+/)
  assert.deepEqual([...logs.keys()], ['audit.other.example/platform'])
})

test('other proxies, and dry runs of policies, need nothing but the platform’s manifest', async () => {
  const { gateway } = await written({
    gateway: {
      recordQuestions: 'questions.jsonl',
      authorizers: {
        http: { socket: 'authorizer.sock' },
        grpc: { host: '127.0.0.1', port: 9_191 },
        secretFile: 'proxy.secret',
        publicProtocol: 'http',
      },
    },
  })
  assert.equal(gateway.recordQuestions, join(directory, 'questions.jsonl'))
  const { http, secretFile, publicProtocol } = gateway.authorizers ?? {}
  assert.deepEqual(http, { socket: join(directory, 'authorizer.sock') })
  assert.deepEqual([secretFile, publicProtocol], [join(directory, 'proxy.secret'), 'http'])
  assert.ok(gateway.upstreams.listeners.includes('127.0.0.1:9191'))
})

test('a key of the wrong kind, and one that is none, are no witness’s and no log’s', async () => {
  for (const wrong of [
    { auditWitnesses: [{ url: 'https://w.example', key: LOG }] },
    { auditWitnesses: [{ url: 'https://w.example', key: 'w+1a2b3c4d+AX' }] },
    { witness: { name: 'w', listen: { port: 1 }, logs: [WITNESS] } },
  ]) {
    await assert.rejects(written(wrong), { code: 'invalid_manifest' }, JSON.stringify(wrong))
  }
})

test('where the platform itself listens no tenant’s upstream is, whatever ranges are allowed', async () => {
  const { gateway } = await written({
    listen: { control: { host: '0.0.0.0' } },
    gateway: { upstreams: { ranges: ['127.0.0.0/8'], listeners: ['10.20.0.7:8081'] }, workers: 2 },
    telemetry: { prometheus: { port: 9_464 } },
  })
  const { listeners } = gateway.upstreams
  for (const place of [
    ...['10.20.0.7:8081', '127.0.0.1:4180', '127.0.0.1:4181', '127.0.0.1:4182', '127.0.0.1:4184'],
    ...['127.0.0.1:15432', '127.0.0.1:9464', '127.0.0.1:9468', '127.0.0.1:9470'],
  ]) {
    assert.ok(listeners.includes(place), place)
  }
})

test('what is ours, and how mail leaves, comes to whoever sends on a tenant’s word', async () => {
  const { records, identity, gateway } = await written({
    listen: { gateway: { host: '0.0.0.0' } },
    gateway: { hosts: ['platform.example.com'], upstreams: { listeners: ['10.20.0.7:8081'] } },
    mail: {
      ...{ by: 'smtp', host: 'mail.example.com', from: 'No-Reply@example.com' },
      ...{ user: 'rf', passwordFile: 'mail.pw', caFile: '/etc/mail-ca.pem' },
    },
    alerts: [{ kind: 'mail', name: 'ops', to: ['ops@example.com'] }],
  })
  assert.deepEqual(records.own.hosts, ['platform.example.com'])
  assert.deepEqual(records.own.listeners, gateway.upstreams.listeners)
  for (const place of ['10.20.0.7:8081', '127.0.0.1:4180', '127.0.0.1:15432']) {
    assert.ok(records.own.listeners.includes(place), place)
  }
  assert.deepEqual(records.mail, identity.signIn.mail)
  assert.deepEqual(records.mail, {
    ...{ by: 'smtp', host: 'mail.example.com', port: 587, security: 'starttls', user: 'rf' },
    ...{ from: 'no-reply@example.com', passwordFile: join(directory, 'mail.pw') },
    caFile: '/etc/mail-ca.pem',
  })
  const sent: string[] = []
  const mail = { send: async ({ to }: { to: readonly string[] }) => void sent.push(...to) }
  const [sink] = await platformSinks(records.alerts, mail)
  await sink?.deliver({
    ...{ id: 'n', owner: 'platform', name: 'x', at: '', severity: 'info' },
    ...{ firing: [], resolved: [], more: 0, repeated: false },
  })
  assert.deepEqual(sent, ['ops@example.com'])
  await assert.rejects(platformSinks(records.alerts, undefined), { code: 'invalid_manifest' })
  const { records: plain, stateDirectory } = await written({})
  const files = { by: 'file', directory: join(stateDirectory, 'mail') }
  assert.deepEqual(plain.mail, { ...files, from: 'no-reply@localhost.localdomain' })
})

test('customers, taxes and who collects are said in files beside the manifest', async () => {
  const customer = { name: 'Acme GmbH', address: ['Weg 1'], country: 'DE' }
  writeFileSync(join(directory, 'customers.yaml'), stringify({ acme: customer }))
  writeFileSync(join(directory, 'stripe.key'), 'sk_test_1')
  writeFileSync(join(directory, 'stripe.hook'), 'whsec_1')
  const { records } = await written({
    billing: {
      customersFile: 'customers.yaml',
      taxes: { country: 'DE', rates: { DE: [{ name: 'USt', rate: 1_900 }] } },
      stripe: {
        ...{ apiKeyFile: 'stripe.key', webhookSecretFile: 'stripe.hook' },
        listen: { host: '127.0.0.1', port: 4191 },
      },
    },
  })
  const { customerOf, taxes, payments } = await invoicingParts(records.invoicing)
  assert.deepEqual(await customerOf?.(parseTenantId('acme')), customer)
  assert.equal(await customerOf?.(parseTenantId('globex')), undefined)
  const issuer = { ...records.issuer }
  const taxed = await taxes?.taxesOf({ issuer, customer, at: new Date(), subtotal: 1_000n })
  assert.deepEqual(
    taxed?.map(({ amount }) => amount),
    [190n],
  )
  assert.equal(payments?.name, 'stripe')
  writeFileSync(join(directory, 'customers.yaml'), 'acme: { nome: x }')
  await assert.rejects(invoicingParts(records.invoicing), { code: 'invalid_manifest' })
})

test('two programs of one workload have a spool for usage each, and the same address for it', async () => {
  const { stateDirectory, secrets } = await written({})
  const client = parseClientId('shop-web')
  const found = await Promise.all(
    ['process-one', 'process-two'].map((spool) =>
      workloadEnvironment({
        workload: { client, service: parseServiceName('shop'), scopes: ['read'] },
        ...{ stateDirectory, secrets, spool, usage: 'unix:/run/intake' },
        ...{ vending: 'unix:/run/v', control: 'http://127.0.0.1:1', decisions: 'unix:/run/d' },
      }),
    ),
  )
  assert.equal(new Set(found.map((one) => one['RINGFENCE_USAGE_SPOOL'])).size, 2)
  for (const one of found) {
    assert.equal(one['RINGFENCE_USAGE'], 'unix:/run/intake')
    assert.equal(one['RINGFENCE_USAGE_AUDIENCE'], 'urn:ringfence:records')
  }
})
