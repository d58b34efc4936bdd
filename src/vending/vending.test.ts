import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, symlinkSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { CREDENTIAL_SECRET } from './memory-leaser.test-support.ts'
import {
  ask,
  assertionOf,
  contextOf,
  given,
  KEYS,
  openWorld,
  type World,
} from './world.test-support.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

describe('the journal', () => {
  test('holds who got what, on whose behalf, through whom and why, before the answer', async () => {
    const response = await ask(world, { fields: { scope: 'write' } })
    const [entry] = world.journal()
    const { lease_id } = await given(response)
    assert.equal(entry?.act, 'grant')
    assert.deepEqual(
      [entry.tenant, entry.subject, entry.workload, entry.scope, entry.cell],
      ['acme', 'alice', 'clinic-web', 'write', 'eu-west-1'],
    )
    assert.deepEqual([entry.layer, entry.reason, entry.verified], ['engine', 'opened', true])
    assert.equal(entry.lease_id, lease_id)
    assert.equal(entry.request_id, response.headers.get('x-request-id'))
    assert.equal(entry.context_request_id, 'front-door-1')
  })

  test('holds each denial with what decided and why, and says what is only claimed', async () => {
    await ask(world, { fields: { subject_token: await contextOf('initech') } })
    await ask(world, {
      fields: { client_assertion: await assertionOf('clinic-web', KEYS.stranger) },
    })
    await ask(world, { fields: { client_assertion: 'abc' } })
    assert.deepEqual(
      world
        .journal()
        .map(({ act, tenant, workload, subject, layer, reason, verified }) => [
          act,
          tenant,
          workload,
          subject,
          layer,
          reason,
          verified,
        ]),
      [
        ['denial', 'initech', 'clinic-web', 'alice', 'tenant', 'suspended', true],
        ['denial', 'acme', 'clinic-web', undefined, 'client', 'assertion', false],
        ['denial', undefined, undefined, undefined, 'client', 'unreadable', false],
      ],
    )
  })

  test('and the log hold no credential, no token and no assertion', async () => {
    const subject_token = await contextOf('acme')
    const client_assertion = await assertionOf()
    const forged = await assertionOf('clinic-web', KEYS.stranger)
    const { access_token, lease_id } = await given(
      ask(world, { fields: { subject_token, client_assertion } }),
    )
    await ask(world, { fields: { subject_token, client_assertion } })
    await ask(world, { fields: { subject_token, client_assertion: forged } })
    await ask(world, { fields: { subject_token: `${subject_token}x` } })
    await ask(world, { path: '/v1/leases/revoke', fields: { lease_id } })
    world.leaser.failure = new RingfenceError('internal', `login ${CREDENTIAL_SECRET}`)
    await ask(world, { fields: { scope: 'write' } })
    const text = [
      ...readdirSync(world.directory).map((name) =>
        readFileSync(join(world.directory, name), 'utf8'),
      ),
      ...world.logged,
    ].join('\n')
    assert.ok(text.includes(lease_id), 'there is something to look through')
    for (const secret of [subject_token, client_assertion, forged, access_token]) {
      for (const part of secret.split('.')) assert.ok(!text.includes(part.slice(0, 40)), part)
    }
    assert.ok(!text.includes(CREDENTIAL_SECRET))
  })

  test('that cannot be written lets nothing be vended, and readiness says so', async (t) => {
    const full = mkdtempSync(join(tmpdir(), 'rf-full-'))
    t.after(() => rmSync(full, { recursive: true }))
    const small = await openWorld({ journal: { directory: full, bytesMax: 1 } })
    assert.equal((await ask(small)).status, 200)
    symlinkSync('/dev/full', join(full, 'journal-00000002.ndjson'))
    const answer = await ask(small)
    assert.deepEqual(
      [answer.status, await answer.json()],
      [503, { error: 'temporarily_unavailable' }],
    )
    assert.equal((await small.vending.app.request('/readyz')).status, 503)
    await small.close()
  })
})

describe('trouble', () => {
  test('of the engine’s is told as something that may pass, with when to come back', async () => {
    for (const [code, status] of [
      ['engine_unavailable', 503],
      ['timed_out', 503],
      ['lease_denied', 429],
    ] as const) {
      world.leaser.failure = new RingfenceError(code, 'detail of the engine')
      const response = await ask(world)
      assert.equal(response.status, status)
      assert.match(String(response.headers.get('retry-after')), /^\d+$/)
      assert.deepEqual(await response.json(), { error: 'temporarily_unavailable' })
    }
  })

  test('that nobody thought of is told without a word about it', async () => {
    world.leaser.failure = new RingfenceError('internal', 'a path /secret and a stack')
    const response = await ask(world)
    assert.deepEqual([response.status, await response.json()], [500, { error: 'server_error' }])
  })

  test('a configuration that is too old serves nobody, and readiness says so', async () => {
    await given(ask(world))
    world.configuration.stale = true
    assert.equal((await ask(world)).status, 503)
    assert.equal((await world.vending.app.request('/readyz')).status, 503)
    assert.equal((await world.vending.app.request('/healthz')).status, 200)
    world.configuration.stale = false
    assert.equal((await world.vending.app.request('/readyz')).status, 200)
  })

  test('more requests than may wait are told to come back, and nobody else is held up', async () => {
    const narrow = await openWorld({ atOnce: 1, waitingPerTenant: 1 })
    const gate = Promise.withResolvers<void>()
    narrow.leaser.gate = gate.promise
    const asking = Array.from({ length: 4 }, () => ask(narrow))
    const globex = ask(narrow, { fields: { subject_token: await contextOf('globex') } })
    const refused = await Promise.race(asking)
    assert.equal(refused.status, 503)
    gate.resolve()
    assert.equal((await globex).status, 200)
    const statuses = (await Promise.all(asking)).map(({ status }) => status).sort()
    assert.deepEqual(statuses, [200, 200, 503, 503])
    await narrow.close()
  })
})
