import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoor, tokenOf, until } from './door.test-support.ts'
import { guardrail, underDocument } from './guardrail-attacks.test-support.ts'

const SSN = '123-45-6789'
const pii = (action: string) => guardrail([{ kind: 'pii', find: ['ssn'], action }])
const post = (body: string, type = 'application/json') => ({
  method: 'POST',
  path: '/t/acme/clinic/upload',
  token: tokenOf('acme'),
  headers: ['content-type', type],
  body,
})
const say = (body: string, type: string) =>
  `/t/acme/clinic/say?${String(new URLSearchParams({ body, type }))}`

test('a service gets what is redacted, and the caller does, with the rest as it was', async (t) => {
  const door = await openDoor(t)
  door.source.platform({ guardrails: [pii('redact')] })
  await door.ask(post(`{ "a": 1.50, "note": "SSN ${SSN}" }`))
  assert.equal(door.upstream.seen[0]?.body, '{ "a": 1.50, "note": "SSN [ssn]" }')
  const events = `event: x\ndata: {"t":"${SSN}"}\n\n`
  const reply = await door.ask({ path: say(events, 'text/event-stream'), token: tokenOf('acme') })
  assert.equal(reply.body, 'event: x\ndata: {"t":"[ssn]"}\n\n')
  assert.equal(door.upstream.seen[1]?.headers['accept-encoding'], 'identity')
})

test('of a body that is refused a service hears nothing, and its caller hears its kind', async (t) => {
  const door = await openDoor(t)
  door.source.platform({ guardrails: [pii('block')] })
  const reply = await door.ask(post(`{"note":"${SSN}"}`))
  assert.equal(reply.status, 422)
  assert.match(reply.body, /"title":"the body holds what a guardrail refuses: ssn"/)
  assert.doesNotMatch(reply.body, /6789/)
  assert.equal(door.upstream.seen.length, 0)
})

test('of an answer that is refused its caller gets nothing', async (t) => {
  const door = await openDoor(t)
  door.source.platform({ guardrails: [pii('block')] })
  const path = say(JSON.stringify({ a: 'x'.repeat(4_000), note: SSN }), 'application/json')
  const reply = await door.ask({ path, token: tokenOf('acme') })
  assert.equal(reply.status, 502)
  assert.doesNotMatch(reply.body, /xxx|6789/)
})

test('the log counts what was found, and no value is in it', async (t) => {
  const door = await openDoor(t)
  door.source.platform({ guardrails: [pii('flag')] })
  door.source.change('acme', {
    guardrails: [
      guardrail([{ kind: 'pii', find: ['email'], action: 'redact' }], { direction: 'request' }),
    ],
  })
  const reply = await door.ask(post(`{"a":"${SSN}","b":["ann@example.com","bob@example.com"]}`))
  assert.equal(reply.status, 200)
  await until(() => door.lines.length === 1)
  const line: unknown = JSON.parse(door.lines[0] ?? '')
  assert.partialDeepStrictEqual(line, {
    findings: { 'request:ssn:flag': 1, 'request:email:redact': 2 },
  })
  assert.doesNotMatch(door.lines.join(), /6789|ann@|bob@/)
  assert.deepEqual(
    Object.keys(reply.headers).filter((name) => /guard|find|flag/.test(name)),
    [],
  )
})

test("one tenant's guardrails are not another's", async (t) => {
  const door = await openDoor(t)
  door.source.change('acme', { guardrails: [pii('block')] })
  assert.equal((await door.ask(post(`{"n":"${SSN}"}`))).status, 422)
  const other = {
    ...post(`{"n":"${SSN}"}`),
    path: '/t/globex/clinic/upload',
    token: tokenOf('globex'),
  }
  assert.equal((await door.ask(other)).status, 200)
  // What is taken back holds no longer.
  door.source.change('acme', {})
  assert.equal((await door.ask(post(`{"n":"${SSN}"}`))).status, 200)
})

test('a request without a body, and an answer without one, have nothing to be looked at', async (t) => {
  const door = await openDoor(t)
  door.source.platform({ guardrails: [pii('block')] })
  const head = await door.ask({ method: 'HEAD', path: '/t/acme/clinic/x', token: tokenOf('acme') })
  assert.equal(head.status, 200)
  const { status } = await door.ask({ path: say('{}', 'application/json'), token: tokenOf('acme') })
  assert.equal(status, 200)
})

test('what the document of an API describes gets through, body and all', async (t) => {
  const door = await openDoor(t)
  underDocument(door)
  const token = tokenOf('acme')
  const { status } = await door.ask({
    method: 'POST',
    path: '/t/acme/clinic/notes',
    token,
    headers: ['content-type', 'application/json'],
    body: '{"text":"fine"}',
  })
  assert.equal(status, 200)
  assert.equal(door.upstream.seen[0]?.body, '{"text":"fine"}')
  assert.equal((await door.ask({ path: '/t/acme/clinic/notes/7', token })).status, 200)
  const wrong = await door.ask({ path: '/t/acme/clinic/notes/x', token })
  assert.equal(wrong.status, 400)
  assert.match(wrong.body, /the parameter id is not as it must be/)
  assert.equal((await door.ask({ path: '/t/acme/clinic/other', token })).status, 404)
})

test('a document that cannot be read serves nobody, and says nothing', async (t) => {
  const door = await openDoor(t)
  underDocument(door, '{"openapi":"3.1.0","paths":{"/x":{"get":{"parameters":7}}}}')
  const reply = await door.ask({ path: '/t/acme/clinic/x', token: tokenOf('acme') })
  assert.equal(reply.status, 500)
  assert.doesNotMatch(reply.body, /parameters|openapi/i)
})
