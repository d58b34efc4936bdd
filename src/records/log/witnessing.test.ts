import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test, type TestContext } from 'node:test'
import { logOf } from '../../audit/entry.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { listen } from '../../http/listen.ts'
import { cosigner, newSeed } from '../../transparency/note-signer.ts'
import { parseVerifierKey } from '../../transparency/verifier-key.ts'
import { askWitnesses, type Witness, witnessState } from './ask-witnesses.ts'
import { LogDatabase } from './log-database.ts'
import { prepareLogs } from './open-log-store.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'
import {
  asked,
  DAY,
  entriesFor,
  LogClock,
  opened,
  startLogServer,
  verified,
} from './test-logs.test-support.ts'
import { witnessService } from './witness-service.ts'

const ACME = logOf(parseTenantId('acme'))

let server: Awaited<ReturnType<typeof startLogServer>>
before(async () => {
  server = await startLogServer()
})
after(() => server?.stop())

/** Another installation, with a database of its own, that cosigns this log. */
async function witnessOf(
  t: TestContext,
  store: PostgresLogStore,
  name: string,
  clock = new LogClock(),
) {
  const database = await server.database()
  await prepareLogs(database)
  const signer = cosigner(name, newSeed(), () => clock.now() / 1000)
  const [first] = await store.keys(ACME)
  const own = new LogDatabase(database)
  t.after(() => own.close())
  const logs = new Map([['audit.example/tenant/acme', [parseVerifierKey(first?.vkey ?? '')]]])
  const fetch = witnessService({ database: own, signer, logs, now: clock.now })
  const listening = await listen(fetch, { host: '127.0.0.1', port: 0 })
  t.after(() => listening.close())
  const witness: Witness = { url: `${listening.url}/witness`, key: signer.key }
  return { witness, fetch, database }
}

test('other installations cosign a log as it grows, and whoever verifies can ask for them', async (t) => {
  const store = await opened(t, { database: await server.database() })
  await store.append(entriesFor('acme', 300))
  await store.sign()
  const { witness: w1 } = await witnessOf(t, store, 'witness.example/w1')
  const { witness: w2 } = await witnessOf(t, store, 'witness.example/w2')
  const witnesses = [w1, w2]
  const keys = [w1.key, w2.key]
  assert.deepEqual(await askWitnesses(store, ACME, witnesses), [])
  assert.equal((await verified(store, ACME, { witnesses: keys })).cosignedBy.length, 2)

  await store.append(entriesFor('acme', 100))
  await store.sign()
  const late = await verified(store, ACME, { witnesses: keys, quorum: 1 })
  assert.deepEqual(late.findings, [{ kind: 'witnesses', found: 0, needed: 1 }])
  assert.match((await store.checkpoint(ACME, 2)) ?? '', /\n300\n/)
  assert.deepEqual(
    (await witnessState(store, 2)).map(({ size, witnessedSize }) => [size, witnessedSize]),
    [[400, 300]],
  )
  assert.deepEqual(await askWitnesses(store, ACME, witnesses), [])
  assert.deepEqual(await askWitnesses(store, ACME, witnesses), [])
  assert.deepEqual((await verified(store, ACME, { witnesses: keys })).findings, [])
})

test('a witness whose clock was set back cosigns nothing until its time has come, and the log goes on', async (t) => {
  const store = await opened(t, { database: await server.database() })
  await store.append(entriesFor('acme', 5))
  const clock = new LogClock()
  const { witness } = await witnessOf(t, store, 'witness.example/w1', clock)
  const grown = async () => {
    await store.append(entriesFor('acme', 5))
    await store.sign()
    const [refusal] = await askWitnesses(store, ACME, [witness])
    return refusal?.why
  }
  assert.equal(await grown(), undefined)
  clock.pass(-DAY)
  assert.match((await grown()) ?? '', /it answered 503/)
  assert.match((await grown()) ?? '', /it answered 503/)
  clock.pass(DAY)
  assert.equal(await grown(), undefined)
  const { findings, cosignedBy } = await verified(store, ACME, { witnesses: [witness.key] })
  assert.deepEqual([findings, cosignedBy.length], [[], 1])
})

test('who has forgotten what a witness knows learns it from the witness', async (t) => {
  const database = await server.database()
  const store = await opened(t, { database })
  await store.append(entriesFor('acme', 10))
  await store.sign()
  const { witness } = await witnessOf(t, store, 'witness.example/w1')
  assert.deepEqual(await askWitnesses(store, ACME, [witness]), [])
  await asked(database, 'delete from records.log_cosignature')
  await store.append(entriesFor('acme', 10))
  await store.sign()
  assert.deepEqual(await askWitnesses(store, ACME, [witness]), [])
  assert.equal((await verified(store, ACME, { witnesses: [witness.key] })).findings.length, 0)
})

test('a log that was cut off gets no cosignature, and a witness that is away holds up nobody', async (t) => {
  const database = await server.database()
  const store = await opened(t, { database })
  await store.append(entriesFor('acme', 10))
  await store.sign()
  const { witness } = await witnessOf(t, store, 'witness.example/w1')
  assert.deepEqual(await askWitnesses(store, ACME, [witness]), [])
  await asked(
    database,
    `delete from records.log_cosignature; delete from records.log_checkpoint;
     delete from records.log_entry where place >= 8;
     update records.log_head set size = 0, peaks = ''; delete from records.log_entry`,
  )
  await store.append(entriesFor('acme', 5))
  await store.sign()
  const [refusal] = await askWitnesses(store, ACME, [witness])
  assert.match(refusal?.why ?? '', /it has cosigned 10 entries, and here are 5/)
  await store.append(entriesFor('acme', 20))
  await store.sign()
  assert.match((await askWitnesses(store, ACME, [witness]))[0]?.why ?? '', /it answered 422/)

  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  silent.close()
  const away = { ...witness, url: `http://127.0.0.1:${port}` }
  assert.equal((await askWitnesses(store, ACME, [away])).length, 1)
})

test('what a witness answers is believed only when its key has signed it', async (t) => {
  const store = await opened(t, { database: await server.database() })
  await store.append(entriesFor('acme', 3))
  await store.sign()
  const key = cosigner('witness.example/w1', newSeed(), () => 1).key
  const liar = cosigner('witness.example/w1', newSeed(), () => 1)
  const answers = [
    'nonsense\n',
    '',
    `— witness.example/w1 ${Buffer.from('AAAAAAAA').toString('base64')}\n`,
    `— witness.example/w1 ${Buffer.concat([idBytes(key.id), Buffer.alloc(72)]).toString('base64')}\n`,
    `— ${liar.key.name} ${Buffer.concat([idBytes(liar.key.id), liar.sign('x\n').signature]).toString('base64')}\n`,
  ]
  for (const answer of answers) {
    const listening = await listen(() => new Response(answer), { host: '127.0.0.1', port: 0 })
    const [refusal] = await askWitnesses(store, ACME, [{ url: listening.url, key }])
    assert.ok(refusal, JSON.stringify(answer))
    await listening.close()
  }
  assert.deepEqual((await witnessState(store, 1))[0]?.witnessedSize, 0)
})

test('a witness of this installation gives one answer to two who ask at once', async (t) => {
  const store = await opened(t, { database: await server.database() })
  await store.append(entriesFor('acme', 3))
  await store.sign()
  const { fetch } = await witnessOf(t, store, 'witness.example/w1')
  const note = (await store.checkpoint(ACME)) ?? assert.fail()
  const ask = (body: string, method = 'POST') =>
    fetch(
      new Request('http://w/add-checkpoint', { method, ...(method === 'POST' ? { body } : {}) }),
    )
  const statuses = await Promise.all(
    Array.from({ length: 6 }, async () => (await ask(`old 0\n\n${note}`)).status),
  )
  assert.deepEqual(statuses.toSorted(), [200, 409, 409, 409, 409, 409])
  assert.equal((await ask('', 'GET')).status, 405)
  assert.equal((await ask('x'.repeat(300_000))).status, 413)
  assert.equal((await fetch(new Request('http://w/other'))).status, 404)
  assert.equal((await ask(`old 0\n\n${note.replaceAll('acme', 'globex')}`)).status, 404)
})

function idBytes(id: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(id)
  return bytes
}
