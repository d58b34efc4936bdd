import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditWriter } from '../audit/audit-writer.ts'
import { type AuditEntry, auditEntrySchema } from '../audit/entry.ts'
import { enteredContract, FULL } from './audit-attacks.test-support.ts'
import { openDoor, stranger, tokenOf } from './door.test-support.ts'

class Kept implements AuditWriter {
  readonly entries: AuditEntry[] = []
  /** What happened first. */
  onWrite: () => Promise<void> = () => Promise.resolve()
  async write(entries: readonly AuditEntry[]): Promise<void> {
    await this.onWrite()
    for (const entry of entries) this.entries.push(auditEntrySchema.parse(entry))
  }
}

const PATH = '/t/acme/clinic/secret-patient?name=smith'

test('what is refused to a known caller is in the log of its tenant: who, by which check and why', async (t) => {
  const audit = new Kept()
  const door = await openDoor(t, { audit })
  const { status, headers } = await door.ask({
    method: 'DELETE',
    path: '/t/reader/clinic/secret-patient?name=smith',
    token: tokenOf('reader'),
  })
  assert.equal(status, 404)
  const [entry] = audit.entries
  assert.equal(entry?.tenant, 'reader')
  assert.equal(entry.action, 'request.denied')
  assert.equal(entry.decision, 'denied')
  assert.equal(entry.layer, 'method-of-the-api')
  assert.equal(entry.actor.kind, 'user')
  assert.equal(entry.request_id, headers['x-request-id'])
  assert.ok(entry.address)
  assert.doesNotMatch(JSON.stringify(entry), /secret-patient|smith/)
})

test('what is refused to whoever cannot be identified is in no tenant’s log', async (t) => {
  const audit = new Kept()
  const door = await openDoor(t, { audit })
  await door.ask({ path: PATH, token: tokenOf('acme', {}, stranger) })
  await door.ask({ path: PATH })
  await door.ask({ path: '/t/nobody-at-all/clinic/x', token: tokenOf('acme') })
  assert.equal(audit.entries.length, 3)
  for (const entry of audit.entries) {
    assert.equal(entry.tenant, undefined)
    assert.deepEqual(entry.actor, { kind: 'unknown', id: 'unknown' })
  }
})

test('an API says what of it is entered: nothing that is let through, writes, or everything', async (t) => {
  const audit = new Kept()
  const door = await openDoor(t, { audit })
  const ask = (method: string) => door.ask({ method, path: PATH, token: tokenOf('acme') })
  const made = async (level: Parameters<typeof enteredContract>[0]) => {
    audit.entries.length = 0
    door.source.change('acme', { contract: enteredContract(level) })
    for (const method of ['GET', 'POST']) assert.equal((await ask(method)).status, 200)
    return audit.entries.map(({ detail }) => detail?.['method'])
  }
  assert.deepEqual(await made(undefined), [])
  assert.deepEqual(await made('denied'), [])
  assert.deepEqual(await made('writes'), ['POST'])
  assert.deepEqual(await made('all'), ['GET', 'POST'])
  const [entry] = audit.entries
  assert.equal(entry?.action, 'request.allowed')
  assert.equal(entry.tenant, 'acme')
  assert.deepEqual(entry.object, { type: 'api', id: 'clinic' })
})

test('what is let through is entered before the service sees it', async (t) => {
  const audit = new Kept()
  const door = await openDoor(t, { audit })
  door.source.change('acme', { contract: enteredContract('all') })
  let seenBefore = -1
  audit.onWrite = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    seenBefore = door.upstream.seen.length
  }
  await door.ask({ path: PATH, token: tokenOf('acme') })
  assert.equal(seenBefore, 0)
  assert.equal(door.upstream.seen.length, 1)
})

test('a refusal that cannot be entered is no refusal that is told: the caller is to come again', async (t) => {
  const door = await openDoor(t, { audit: FULL })
  const { status, body } = await door.ask({ path: PATH, token: tokenOf('acme', {}, stranger) })
  assert.equal(status, 503)
  assert.doesNotMatch(body, /not_authenticated/)
})

test('nobody fills the disk: beyond a bound refusals are entered as a number', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const audit = new Kept()
  const door = await openDoor(t, { audit })
  const ask = () => door.ask({ path: PATH })
  for (let n = 0; n < 630; n += 1) assert.equal((await ask()).status, 401)
  assert.equal(audit.entries.length, 600)
  t.mock.timers.tick(60_001)
  await ask()
  const [counted, last] = audit.entries.slice(600)
  assert.equal(counted?.action, 'request.denied-uncounted')
  assert.equal(counted.detail?.['count'], 30)
  assert.equal(last?.action, 'request.denied')
})

test('a failure of the service is no decision, and is not entered as one', async (t) => {
  const audit = new Kept()
  const door = await openDoor(t, { audit })
  const { status } = await door.ask({ path: '/t/acme/away/x', token: tokenOf('acme') })
  assert.equal(status, 502)
  assert.deepEqual(audit.entries, [])
})
