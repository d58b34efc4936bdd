import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCheckpoint } from './checkpoint.ts'
import type { TreeHead } from './merkle-proofs.ts'
import { entriesOf, memoryLog, reading } from './memory-log.test-support.ts'
import { cosigner, logSigner, newSeed } from './note-signer.ts'
import { consistencyProof } from './prove.ts'
import { TileNodes } from './tile-nodes.ts'
import { judgeCheckpoint } from './witness.ts'
import { encodeWitnessRequest, parseWitnessRequest } from './witness-request.ts'

const log = logSigner('log.example/a', newSeed())
const other = logSigner('log.example/b', newSeed())
const signer = cosigner('witness.example/w', newSeed(), () => 1_700_000_000)

async function requestOf(oldSize: number, size: number, by = log, entries = entriesOf(size)) {
  const resources = memoryLog(entries, by)
  const nodes = new TileNodes(reading(resources), size)
  return encodeWitnessRequest({
    oldSize,
    proof: oldSize <= size ? await consistencyProof(nodes, oldSize, size) : [],
    checkpoint: Buffer.from(resources.get('checkpoint') ?? '').toString('utf8'),
  })
}

/** A witness that remembers, as it must. */
function witness() {
  let last: TreeHead | undefined
  return async (body: string) => {
    const answer = await judgeCheckpoint(
      body,
      {
        keysOf: (origin) => (origin === log.key.name ? [log.key] : undefined),
        last: () => Promise.resolve(last),
      },
      signer,
    )
    last = answer.remember ?? last
    return answer
  }
}

test('a witness cosigns a log as it grows', async () => {
  const ask = witness()
  for (const [old, size] of [
    [0, 5],
    [5, 5],
    [5, 300],
    [300, 1_000],
  ] as const) {
    const body = await requestOf(old, size)
    const answer = await ask(body)
    assert.equal(answer.status, 200, answer.body)
    const note = parseWitnessRequest(body).checkpoint + answer.body
    const { signedBy } = openCheckpoint(note, [log.key, signer.key]).note
    assert.deepEqual(
      signedBy.map(({ key }) => key.text),
      [log.key.text, signer.key.text],
    )
  }
})

test('a witness cosigns no fork, no older tree and nothing unproven, and remembers none of them', async () => {
  const ask = witness()
  assert.equal((await ask(await requestOf(0, 300))).status, 200)
  const forked = entriesOf(400).with(3, Buffer.from('strange'))
  assert.equal((await ask(await requestOf(300, 400, log, forked))).status, 422)
  assert.equal((await ask(await requestOf(300, 300, log, forked.slice(0, 300)))).status, 409)
  assert.equal((await ask(await requestOf(400, 300))).status, 400)
  const behind = await ask(await requestOf(200, 400))
  assert.deepEqual(
    [behind.status, behind.contentType, behind.body],
    [409, 'text/x.tlog.size', '300\n'],
  )
  assert.equal((await ask(await requestOf(0, 200))).status, 409)
  assert.equal((await ask(await requestOf(300, 400))).status, 200)
})

test('a witness knows its logs by their keys', async () => {
  const ask = witness()
  assert.equal((await ask(await requestOf(0, 5, other))).status, 404)
  const impostor = logSigner('log.example/a', newSeed())
  assert.equal((await ask(await requestOf(0, 5, impostor))).status, 403)
  const spoiled = (await requestOf(0, 5)).replace('\n5\n', '\n6\n')
  assert.equal((await ask(spoiled)).status, 403)
})

test('a request that is not in the form of the specification is refused', async () => {
  const good = await requestOf(0, 5)
  for (const body of [
    '',
    'old 0\n',
    good.replace('old 0', 'old 00'),
    good.replace('old 0', 'old -1'),
    good.replace('old 0', 'old  0'),
    good.replace('old 0\n', 'old 0\nAAAA\n'),
    good.replace('old 0\n', `old 0\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}`),
    good.replace('old 0\n\n', 'old 0\n'),
    good.slice(0, -1),
  ]) {
    assert.equal((await witness()(body)).status, 400, JSON.stringify(body))
  }
})
