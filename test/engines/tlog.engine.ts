import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { logOf } from '../../src/audit/entry.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { listen } from '../../src/http/listen.ts'
import { askWitnesses } from '../../src/records/log/ask-witnesses.ts'
import { logNodes } from '../../src/records/log/log-nodes.ts'
import type { PostgresLogStore } from '../../src/records/log/postgres-log-store.ts'
import { entriesFor, opened, startLogServer } from '../../src/records/log/test-logs.test-support.ts'
import { witnessService } from '../../src/records/log/witness-service.ts'
import { openCheckpoint } from '../../src/transparency/checkpoint.ts'
import { cosigner, newSeed } from '../../src/transparency/note-signer.ts'
import { consistencyProof, inclusionProof, rootOf } from '../../src/transparency/prove.ts'
import { parseVerifierKey } from '../../src/transparency/verifier-key.ts'

const program = process.env['RINGFENCE_TEST_TLOG'] ?? ''
const ACME = logOf(parseTenantId('acme'))
/** Two levels of tiles and a partial tile at each, bundles of which most are full. */
const SIZE = 70_000

let server: Awaited<ReturnType<typeof startLogServer>>
before(async () => {
  server = await startLogServer()
})
after(() => server?.stop())

async function run(args: readonly string[], input = '') {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  child.stdin.end(input)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await ended) as [number]
  return { code, out, err }
}

const base64 = (hash: Uint8Array) => Buffer.from(hash).toString('base64')

async function proofsOf(store: PostgresLogStore) {
  const nodes = logNodes(store.parts.database, ACME, SIZE)
  const inclusion = []
  const consistency = []
  for (const [index, size] of [
    [0, 1],
    [5, 6],
    [255, 256],
    [256, 300],
    [65_535, SIZE],
    [SIZE - 1, SIZE],
  ] as const) {
    inclusion.push({
      index,
      size,
      leaf: base64(await nodes.node(0, index)),
      root: base64(await rootOf(nodes, size)),
      path: (await inclusionProof(nodes, index, size)).map(base64),
    })
    consistency.push({
      oldSize: index + 1,
      size: SIZE,
      oldRoot: base64(await rootOf(nodes, index + 1)),
      root: base64(await rootOf(nodes, SIZE)),
      path: (await consistencyProof(nodes, index + 1, SIZE)).map(base64),
    })
  }
  return { inclusion, consistency }
}

test('a log of ours, its proofs and its cosignatures are verified by three implementations of others', async (t) => {
  const store = await opened(t, { database: await server.database() })
  for (let from = 0; from < SIZE; from += 2_000) {
    await store.append(entriesFor('acme', Math.min(2_000, SIZE - from)))
  }
  await store.sign()
  const [first] = await store.keys(ACME)
  const vkey = first?.vkey ?? assert.fail()
  const signer = cosigner('witness.example/w1', newSeed(), () => Date.now() / 1_000)
  const witness = witnessService({
    database: store.parts.database,
    signer,
    logs: new Map([['audit.example/tenant/acme', [parseVerifierKey(vkey)]]]),
  })
  let spoil: ((path: string, bytes: Uint8Array) => void) | undefined
  const serving = await listen(
    async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname.endsWith('/add-checkpoint')) return witness(request)
      const bytes = await store.resource(ACME, pathname.slice('/acme/'.length))
      if (bytes === undefined) return new Response('', { status: 404 })
      spoil?.(pathname, bytes)
      return new Response(Buffer.from(bytes))
    },
    { host: '127.0.0.1', port: 0 },
  )
  t.after(() => serving.close())
  assert.deepEqual(await askWitnesses(store, ACME, [{ url: serving.url, key: signer.key }]), [])
  const made = JSON.stringify(await proofsOf(store))
  const args = ['verify', `${serving.url}/acme/`, vkey, signer.key.text]
  const verified = await run(args, made)
  assert.equal(verified.code, 0, verified.err)
  assert.match(verified.out, /torchwood read 70000 entries/)
  assert.match(verified.out, /tessera's fsck found no fault/)
  assert.match(verified.out, /tlog checked 12 proofs/)
  // They can see: an entry that was changed on its way is refused.
  spoil = (path, bytes) => {
    if (path.endsWith('/tile/entries/100')) bytes[50] = (bytes[50] ?? 0) ^ 1
  }
  assert.equal((await run(args, made)).code, 1)
})

test('what they sign and cosign is opened by ours', async () => {
  const signed = await run(['sign', 'log.example/go'])
  const { vkey, witness, note } = JSON.parse(signed.out) as Record<string, string>
  const keys = [parseVerifierKey(vkey ?? ''), parseVerifierKey(witness ?? '')]
  const checkpoint = openCheckpoint(note ?? '', keys)
  assert.equal(checkpoint.size, 7)
  assert.equal(checkpoint.note.signedBy.length, 2)
})
