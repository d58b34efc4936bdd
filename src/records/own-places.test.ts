import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownerOf } from '../alerts/alert.ts'
import { webhookSink } from '../alerts/webhook-sink.ts'
import { parsePlanName, parseServiceName } from '../core/names.ts'
import { parseCellName, parseRegion, parseTenantId } from '../core/tenant.ts'
import { parseWebhookSecret } from '../http/standard-webhooks.ts'
import type { Configuration, TenantConfig } from '../snapshot/snapshot.ts'
import { outsideOfTenants } from './own-places.ts'
import { syslogStream } from './streams/syslog-stream.ts'

const SECRETS = [parseWebhookSecret(`whsec_${Buffer.alloc(32, 7).toString('base64')}`)]
const OWN = { hosts: ['Id.Platform.Example'], listeners: ['9.9.9.9:8443', '9.9.9.9:443'] }

/** A platform that has a service at a public name, and a tenant with a domain of its own. */
function source() {
  const hosts = new Set(['acme.example'])
  const acme: TenantConfig = {
    ...{ id: parseTenantId('acme'), status: 'active', tier: 'pooled', keys: [], hosts: [] },
    ...{ region: parseRegion('eu'), cell: parseCellName('eu-1'), plan: parsePlanName('standard') },
    issuer: 'https://id.platform.example/realms/acme',
  }
  const configuration: Configuration = {
    version: 1,
    confirmedAt: new Date(),
    platform: {
      audience: 'https://api.platform.example/',
      ...{ contextKeys: [], jobKeys: [], workloads: [], plans: [] },
      services: [
        { name: parseServiceName('shop'), upstream: 'https://shop.inside.example', prefix: '/' },
      ],
    },
    tenant: () => undefined,
    tenantOfHost: (host) => (hosts.has(host) ? acme : undefined),
    tenants: () => [].values(),
  }
  return { hosts, source: { current: () => configuration } }
}

const OURS = [
  ...['https://api.platform.example/x', 'https://API.platform.example:9000/x'],
  ...['https://id.platform.example/x', 'https://id.platform.example./x'],
  ...['https://shop.inside.example/x', 'https://acme.example/x', 'https://9.9.9.9/x'],
  ...['https://9.9.9.9:8443/x', 'https://151587081/x', 'https://[::ffff:9.9.9.9]/x'],
]

test('no sink of a tenant is one of the platform’s own places, by whatever name', () => {
  const { source: ours, hosts } = source()
  const outside = outsideOfTenants(ours, OWN)
  const hook = (url: string) =>
    webhookSink({
      owner: ownerOf(parseTenantId('acme')),
      name: 'x',
      url,
      secrets: SECRETS,
      outside,
    })
  hook('https://hooks.example.com/x')
  hook('https://9.9.9.8/x')
  for (const url of OURS) {
    assert.throws(() => hook(url), { code: 'invalid_argument' }, url)
    const { hostname: host, port } = new URL(url)
    const settings = { kind: 'syslog', tls: true, format: 'entries', host } as const
    const syslog = () =>
      syslogStream(
        { ...settings, port: Number(port === '' ? 443 : port) },
        'audit.example',
        outside,
      )
    assert.throws(syslog, { code: 'invalid_argument' }, url)
  }
  // A domain that comes later is as little one, also for a sink that was made before.
  assert.doesNotThrow(() => hook('https://globex.example/x'))
  hosts.add('globex.example')
  assert.throws(() => hook('https://globex.example/x'), { code: 'invalid_argument' })
})

test('a name of somebody’s own that leads to where the platform listens is not connected to', async () => {
  const { source: ours } = source()
  const tried: string[] = []
  const outside = outsideOfTenants(ours, OWN, (host, _options, callback) => {
    tried.push(host)
    callback(null, [{ address: '9.9.9.9', family: 4 }])
  })
  for (const url of ['https://mine.example.com/x', 'https://mine.example.com:8443/x']) {
    const send = outside.send(outside.url(url), { method: 'POST', headers: {}, body: '' })
    await assert.rejects(send, { code: 'engine_unavailable' })
  }
  assert.deepEqual(tried, ['mine.example.com', 'mine.example.com'])
})

test('while nobody knows what is ours nothing may be sent to', () => {
  const unknown = {
    current(): Configuration {
      throw new Error('there is none yet')
    },
  }
  const outside = outsideOfTenants(unknown)
  assert.throws(() => outside.url('https://hooks.example.com/x'), { code: 'invalid_argument' })
})
