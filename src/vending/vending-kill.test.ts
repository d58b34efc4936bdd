import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { call } from '../http/call.ts'
import { Journal } from '../journal/journal.ts'
import { CLIENT_ASSERTION_TYPE } from '../tokens/client-assertion.ts'
import { GRANT_TYPE, SUBJECT_TOKEN_TYPE } from './attempt.ts'
import { assertionOf, contextOf, KEYS, readAudit, readJournal } from './world.test-support.ts'

const ROUNDS = 4
const ANSWERS_PER_ROUND = 30

test('whenever vending is killed, every lease that it answered with is in its journal, and its entry with it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'rf-kill-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const answered = new Map<string, string>()
  for (let round = 0; round < ROUNDS; round += 1) await killAtWork(directory, answered)
  // Opening mends what the last kill tore.
  await (await Journal.open({ directory: join(directory, 'journal') })).close()
  const written = new Map(
    readJournal(join(directory, 'journal'))
      .filter(({ act }) => act === 'grant')
      .map(({ request_id, lease_id }) => [request_id, lease_id]),
  )
  assert.ok(answered.size >= ROUNDS * ANSWERS_PER_ROUND)
  for (const [request, lease] of answered) assert.equal(written.get(request), lease)
  // And on its way to the tenant's log, in the same write.
  const entered = new Set(
    readAudit(join(directory, 'journal'))
      .filter(({ action, tenant }) => action === 'lease.granted' && tenant === 'acme')
      .map(({ object }) => object?.id),
  )
  for (const lease of answered.values()) assert.ok(entered.has(lease))
})

/** Asks from several callers at once, and kills the process amid the answers. */
async function killAtWork(directory: string, answered: Map<string, string>): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'vending-kill.fixture.ts'),
      directory,
      JSON.stringify([KEYS.gateway.publicJwk, KEYS.web.publicJwk]),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exit = once(child, 'exit')
  const address = String(
    (await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value,
  )
  let answers = 0
  const caller = async () => {
    for (;;) {
      const answer = await exchange(address)
      if (answer === undefined) return
      answered.set(answer.request_id, answer.lease_id)
      answers += 1
      if (answers === ANSWERS_PER_ROUND) child.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: 8 }, caller))
  await exit
}

/** Undefined when the process is gone. */
async function exchange(
  address: string,
): Promise<{ readonly request_id: string; readonly lease_id: string } | undefined> {
  const body = new URLSearchParams({
    grant_type: GRANT_TYPE,
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: await assertionOf(),
    subject_token: await contextOf('acme'),
    subject_token_type: SUBJECT_TOKEN_TYPE,
  }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await call(address, { method: 'POST', path: '/v1/token', headers, body }).catch(
    () => undefined,
  )
  if (answer === undefined) return undefined
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text)
}
