import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  parseApiName,
  parseContractName,
  parseServiceName,
  parseUpstreamName,
} from '../core/names.ts'
import { openDoor, tokenOf } from './door.test-support.ts'
import { upstream } from './upstream.test-support.ts'

test('what is every tenant’s is there beside any contract, and no contract takes its paths', async (t) => {
  const door = await openDoor(t)
  const [records, own] = [await upstream(t), await upstream(t)]
  const name = parseServiceName('records')
  door.source.platform({
    services: [{ name, upstream: records.url, prefix: '/ringfence', everyTenant: true }],
    upstreams: [{ name: parseUpstreamName('own'), servers: [{ url: own.url }] }],
  })
  const api = (prefix: string) => ({
    name: parseApiName(prefix.slice(1).replaceAll('/', '-') || 'all'),
    prefix,
    upstream: { of: 'platform' as const, name: parseUpstreamName('own') },
  })
  door.source.change('acme', {
    contract: {
      name: parseContractName('own'),
      apis: ['/', '/ringfence', '/ringfence/audit', '/ringfenced'].map(api),
    },
  })
  for (const tenant of ['acme', 'globex']) {
    const path = `/t/${tenant}/ringfence/audit/x`
    assert.equal((await door.ask({ path, token: tokenOf(tenant) })).status, 200)
  }
  assert.deepEqual([records.seen.length, own.seen.length], [2, 0])
  await door.ask({ path: '/t/acme/ringfenced', token: tokenOf('acme') })
  assert.deepEqual([records.seen.length, own.seen.length], [2, 1])
})
