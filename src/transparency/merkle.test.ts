import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CompactRange } from './compact-range.ts'
import { entriesOf, memoryLog, naiveRoot, reading } from './memory-log.test-support.ts'
import { EMPTY_ROOT, leafHash, nodeHash } from './merkle-hash.ts'
import { verifyConsistency, verifyInclusion } from './merkle-proofs.ts'
import { logSigner, newSeed } from './note-signer.ts'
import { consistencyProof, inclusionProof, rootOf } from './prove.ts'
import { TileNodes } from './tile-nodes.ts'

/** The leaves and roots with which implementations of RFC 6962 are tested. */
const KNOWN = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  [
    '606162636465666768696a6b6c6d6e6f',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ],
] as const

const signer = logSigner('log.example/a', newSeed())

function rangeOf(leaves: readonly Uint8Array[]): CompactRange {
  const range = CompactRange.empty()
  for (const leaf of leaves) range.append(leaf)
  return range
}

test('roots are those with which implementations of RFC 6962 are tested', () => {
  const range = CompactRange.empty()
  assert.equal(
    Buffer.from(range.root()).toString('hex'),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
  for (const [leaf, root] of KNOWN) {
    range.append(leafHash(Buffer.from(leaf, 'hex')))
    assert.equal(Buffer.from(range.root()).toString('hex'), root)
  }
})

test('a root is that of the definition, also after the range was put away and taken up again', () => {
  const leaves = entriesOf(300).map(leafHash)
  fc.assert(
    fc.property(fc.nat(300), fc.nat(300), (a, b) => {
      const [first, size] = [Math.min(a, b), Math.max(a, b)]
      const range = rangeOf(leaves.slice(0, first))
      const again = CompactRange.from(first, range.peaks())
      for (const leaf of leaves.slice(first, size)) again.append(leaf)
      const expected = naiveRoot(leaves.slice(0, size), nodeHash, EMPTY_ROOT)
      assert.deepEqual(Buffer.from(again.root()), Buffer.from(expected))
    }),
    { numRuns: 100 },
  )
  assert.throws(() => CompactRange.from(3, rangeOf(leaves.slice(0, 4)).peaks()), TypeError)
})

test('from tiles alone it is shown that a leaf is there and that a tree goes on, and nothing else is', async () => {
  const entries = entriesOf(1_000)
  const leaves = entries.map(leafHash)
  const roots = [EMPTY_ROOT]
  const range = CompactRange.empty()
  for (const leaf of leaves) {
    range.append(leaf)
    roots.push(range.root())
  }
  const read = reading(memoryLog(entries, signer))
  const nodes = new TileNodes(read, entries.length)
  const size = fc.integer({ min: 1, max: entries.length })
  await fc.assert(
    fc.asyncProperty(size, fc.nat(), fc.nat(), fc.nat(), async (size, a, b, c) => {
      const root = roots[size] ?? assert.fail()
      assert.deepEqual(Buffer.from(await rootOf(nodes, size)), Buffer.from(root))
      const index = a % size
      const leaf = leaves[index] ?? assert.fail()
      const path = await inclusionProof(nodes, index, size)
      const claim = { index, size, leafHash: leaf, root }
      assert.ok(verifyInclusion(claim, path))
      const other = leaves[(index + 1) % leaves.length] ?? assert.fail()
      assert.equal(verifyInclusion({ ...claim, leafHash: other }, path), false)
      if (size > 1)
        assert.equal(verifyInclusion({ ...claim, index: (index + 1) % size }, path), false)
      assert.equal(verifyInclusion(claim, spoiled(path, c)), false)
      assert.equal(verifyInclusion(claim, [...path, leaf]), false)
      if (path.length > 0) assert.equal(verifyInclusion(claim, path.slice(1)), false)

      const older = { size: b % (size + 1), root: roots[b % (size + 1)] ?? assert.fail() }
      const newer = { size, root }
      const proof = await consistencyProof(nodes, older.size, size)
      assert.ok(verifyConsistency(older, newer, proof))
      assert.equal(verifyConsistency(older, newer, [...proof, leaf]), false)
      if (older.size > 0) {
        assert.equal(
          verifyConsistency({ ...older, root: leaf }, newer, proof),
          older.size === 1 && index === 0,
        )
        assert.equal(verifyConsistency(older, newer, spoiled(proof, c)), false)
      }
      if (older.size < size) assert.equal(verifyConsistency(newer, older, proof), false)
    }),
    { numRuns: 150 },
  )
})

/** The same path with one bit of it turned; one hash more where there was none. */
function spoiled(path: readonly Uint8Array[], at: number): Uint8Array[] {
  if (path.length === 0) return [Buffer.alloc(32)]
  const copy = path.map((hash) => Buffer.from(hash))
  const hash = copy[at % copy.length] ?? assert.fail()
  hash[at % 32] = (hash[at % 32] ?? 0) ^ (1 << (at % 8))
  return copy
}
