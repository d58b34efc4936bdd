import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseClientId } from '../core/names.ts'
import { listen } from '../http/listen.ts'
import { SendLater, SendLess } from '../journal/shipper.ts'
import { UsedAssertions, verifyClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { KeySet } from '../tokens/verify-token.ts'
import { journalSender } from './journal-sender.ts'

test('a batch goes out whole and signed anew each time, and each answer means what it says', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-sender-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const key = await SigningKey.create('EdDSA')
  const client = parseClientId('ringfence-gateway')
  const used = new UsedAssertions()
  let answer = () => new Response(null, { status: 204 })
  const seen: { readonly body: string; readonly headers: Headers }[] = []
  const server = await listen(
    async (request) => {
      const assertion = request.headers.get('authorization')?.slice('Bearer '.length) ?? ''
      const keys = new KeySet([key.publicJwk])
      await verifyClientAssertion(assertion, 'ringfence-records', () => keys, used)
      seen.push({ body: await request.text(), headers: request.headers })
      return answer()
    },
    { socket: join(directory, 's') },
  )
  t.after(() => server.close())
  const send = journalSender({
    ...{ records: server.url, audience: 'ringfence-records', client, key, source: 'one' },
  })
  const batch = { lines: ['{"a":1}', '{"b":"ü"}'], completeTo: Date.UTC(2026, 0, 2) }
  await send(batch)
  await send({ lines: [], completeTo: undefined })
  assert.equal(seen[0]?.body, '{"a":1}\n{"b":"ü"}\n')
  assert.equal(seen[0].headers.get('ringfence-source'), 'one')
  assert.equal(seen[0].headers.get('ringfence-complete-to'), '2026-01-02T00:00:00.000Z')
  assert.equal(seen[1]?.body, '')
  assert.equal(seen[1].headers.get('ringfence-complete-to'), null)
  answer = () => new Response(null, { status: 413 })
  await assert.rejects(send(batch), SendLess)
  for (const status of [429, 503]) {
    answer = () => new Response(null, { status, headers: { 'retry-after': '7' } })
    await assert.rejects(send(batch), (error) => error instanceof SendLater && error.seconds === 7)
  }
  for (const status of [200, 400, 401, 500]) {
    answer = () => new Response(null, { status })
    await assert.rejects(send(batch), { code: 'engine_unavailable' })
  }
})
