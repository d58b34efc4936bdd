import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { scratch } from '../../src/clusters/scratch.test-support.ts'
import { Http2Caller } from '../../src/edge/http2-caller.test-support.ts'
import { tokenOf } from '../../src/gateway/door.test-support.ts'
import { upstream } from '../../src/gateway/upstream.test-support.ts'
import { Wire } from '../../src/strikes/wire.ts'
import { GatewayWorkers, HOST, PROXY_SECRET } from './gateway-workers.test-support.ts'

let gateway: GatewayWorkers
const authorization = `Bearer ${tokenOf('acme')}`

before(async (t) => {
  assert.ok('after' in t)
  const service = await upstream(t)
  gateway = await GatewayWorkers.prepare(scratch(t), service.url)
  await gateway.start()
})
after(() => gateway.stop())

test('when the first process is killed at once, and started again, all of it serves again', async () => {
  const caller = () => new Http2Caller(gateway.port, HOST, { authorization })
  const asked = async () => {
    const { status } = await new Wire().ask(
      { path: gateway.authorizer },
      {
        target: '/nginx',
        headers: [
          ['host', 'authorizer'],
          ['ringfence-proxy-secret', PROXY_SECRET],
          ['ringfence-original-method', 'GET'],
          ['ringfence-original-uri', '/x'],
          ['ringfence-original-host', HOST],
          ['ringfence-original-scheme', 'https'],
          ['ringfence-original-server-name', HOST],
          ['ringfence-original-address', '192.0.2.7'],
          ['ringfence-original-request-id', '0'.repeat(32)],
          ['authorization', authorization],
        ],
      },
    )
    return status
  }
  const one = caller()
  assert.deepEqual([await one.get('/x'), await asked()], [200, 200])
  await gateway.killFirst()
  await assert.rejects(caller().get('/x'))
  one.close()
  await gateway.start()
  const other = caller()
  assert.deepEqual([await other.get('/x'), await asked()], [200, 200])
  other.close()
})
