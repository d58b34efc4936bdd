import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseGrantId, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { Journal } from '../journal/journal.ts'
import {
  ask,
  assertionOf,
  contextOf,
  given,
  KEYS,
  openWorld,
  readAudit,
  type World,
} from './world.test-support.ts'

let world: World
before(async () => {
  world = await openWorld()
})
after(() => world.close())

const entries = () => readAudit(world.directory)

test('a lease that is granted is in the log of its tenant: for whom, to which workload, at which request', async () => {
  const { lease_id, request_id } = await given(ask(world))
  const entry = entries().find(({ object }) => object?.id === lease_id)
  assert.equal(entry?.action, 'lease.granted')
  assert.equal(entry.tenant, 'acme')
  assert.deepEqual(entry.actor, { kind: 'workload', id: 'clinic-web' })
  assert.deepEqual(entry.on_behalf_of, { kind: 'user', id: 'alice' })
  assert.equal(entry.decision, 'allowed')
  assert.equal(entry.request_id, 'front-door-1')
  assert.equal(entry.detail?.['vending_request_id'], request_id)
})

test('a lease that is refused to a known caller is in the log of its tenant, with what refused it', async () => {
  const answer = await ask(world, { fields: { subject_token: await contextOf('initech') } })
  assert.notEqual(answer.status, 200)
  const entry = entries().findLast(({ tenant }) => tenant === 'initech')
  assert.equal(entry?.action, 'lease.denied')
  assert.equal(entry.decision, 'denied')
  assert.equal(entry.layer, 'vending tenant')
})

test('what a caller merely claims comes into no tenant’s log', async () => {
  const before = entries().length
  await ask(world, { fields: { client_assertion: 'e30.e30.e30' } })
  await ask(world, {
    fields: { client_assertion: await assertionOf('clinic-web', KEYS.stranger) },
  })
  const made = entries().slice(before)
  assert.equal(made.length, 2)
  for (const entry of made) {
    assert.equal(entry.tenant, undefined)
    assert.deepEqual(entry.actor, { kind: 'unknown', id: 'unknown' })
  }
  assert.equal(made[1]?.detail?.['claimed_tenant'], 'acme')
})

test('under a grant the entry names the grant and whose principal it is, and no third tenant', async () => {
  const grant = parseGrantId('gr-0123456789abcdefghijkl')
  const subject_token = await contextOf('acme', {
    subject: parseSubject(`grant:${grant}`),
    actor: { issuer: 'https://id.test/realms/globex', subject: parseSubject('gina') },
    delegation: {
      grant,
      grantee: parseTenantId('globex'),
      source: {
        id: 'token-1',
        client: 'app',
        issuedAt: new Date(Math.floor(Date.now() / 1000) * 1000),
      },
    },
  })
  await ask(world, { fields: { subject_token } })
  const entry = entries().findLast(({ tenant }) => tenant === 'acme')
  assert.equal(entry?.grant_id, grant)
  assert.deepEqual(entry.on_behalf_of, { kind: 'user', id: 'gina', tenant: 'globex' })
})

test('with a journal that cannot be written nothing of a lease is answered', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-unwritable-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const journal = await Journal.open({ directory })
  const unwritable = await openWorld({ journal })
  t.after(() => unwritable.close())
  await journal.close()
  const answer = await ask(unwritable)
  assert.equal(answer.status, 503)
  assert.doesNotMatch(await answer.text(), /lease_id|access_token/)
})
