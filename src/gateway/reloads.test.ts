import assert from 'node:assert/strict'
import { Agent, request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { parsePlanName } from '../core/names.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { type Door, openDoor, tenantConfig, tokenOf } from './door.test-support.ts'

const CALLERS = 8
const REQUESTS = 60

test('no request is lost while the configuration changes under load', async (t) => {
  const door = await openDoor(t)
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const { keys } = tenantConfig('acme')
  const next = { ...(await SigningKey.create('ES256')).publicJwk, kty: 'EC', d: undefined }
  const more = JSON.parse(JSON.stringify(next)) as (typeof keys)[number]
  const over = new AbortController()
  let reloads = 0
  const reload = async () => {
    // Another turn of the loop of events ends it.
    // oxlint-disable-next-line no-unmodified-loop-condition
    for (; !over.signal.aborted; reloads += 1) {
      // Its own plan, its keys, a host more, and another tenant that comes and goes.
      door.source.change('acme', {
        plan: parsePlanName('standard'),
        keys: reloads % 2 === 0 ? keys : [...keys, more],
        hosts: reloads % 3 === 0 ? ['acme.example'] : ['acme.example', 'www.acme.example'],
      })
      door.source.change('globex', { status: reloads % 2 === 0 ? 'suspended' : 'active' })
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const reloading = reload()
  const token = tokenOf('acme')
  const statuses = await Promise.all(
    Array.from({ length: CALLERS }, () => statusesOf(door, agent, token)),
  )
  over.abort()
  await reloading
  assert.deepEqual(
    statuses.flat(),
    Array.from({ length: CALLERS * REQUESTS }, () => 200),
  )
  assert.equal(door.upstream.seen.length, CALLERS * REQUESTS)
  assert.ok(reloads > 10)
})

async function statusesOf(door: Door, agent: Agent, token: string): Promise<readonly number[]> {
  const statuses: number[] = []
  for (let n = 0; n < REQUESTS; n += 1) statuses.push(await ask(door, agent, token, n))
  return statuses
}

/** One in four with a body, of which some come by host. */
function ask(door: Door, agent: Agent, token: string, n: number): Promise<number> {
  const byHost = n % 2 === 0
  const isUpload = n % 4 === 3
  return new Promise((resolve, reject) => {
    const sending = httpRequest(
      {
        agent,
        port: door.port,
        method: isUpload ? 'POST' : 'GET',
        path: `${byHost ? '' : '/t/acme'}/clinic/${isUpload ? 'upload' : 'x'}`,
        headers: {
          host: byHost ? 'acme.example' : 'api.example',
          authorization: `Bearer ${token}`,
        },
      },
      (response) => {
        response.resume()
        response.on('error', reject)
        response.on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    sending.on('error', reject)
    sending.end(isUpload ? 'x'.repeat(1_000) : undefined)
  })
}
