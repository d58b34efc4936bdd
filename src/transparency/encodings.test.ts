import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBundle, encodeBundle, ENTRY_BYTES_MAX } from './entry-bundle.ts'
import { parseTilePath, tilePath, tilesOf } from './tile-path.ts'

test('paths are those of the specification', () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067')
  assert.equal(tilePath({ level: 'entries', index: 0, width: 5 }), 'tile/entries/000.p/5')
  assert.equal(tilePath({ level: 63, index: 999, width: 256 }), 'tile/63/999')
  assert.equal(tilePath({ level: 1, index: 1_000, width: 255 }), 'tile/1/x001/000.p/255')
})

test('a path has one way to be written', () => {
  for (const path of [
    'tile/00/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/0',
    'tile/0/x000/000',
    'tile/0/001/000',
    'tile/0/x001',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/05',
    'tile/0/000.p/',
    'tile/0/000/',
    'tile/0/../000',
    'tile/data/000',
    'tile/entries',
    '/tile/0/000',
    'tile/0/x999/x999/x999/x999/x999/999',
    'checkpoint',
    '',
  ]) {
    assert.equal(parseTilePath(path), undefined, path)
  }
  const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const))
  const index = fc.integer({ min: 0, max: 999_999_999_999_999 })
  fc.assert(
    fc.property(level, index, fc.integer({ min: 1, max: 256 }), (level, index, width) => {
      const tile = { level, index, width }
      assert.deepEqual(parseTilePath(tilePath(tile)), tile)
    }),
  )
})

test('a tree of 70,000 has the tiles that the specification counts', () => {
  const counted = new Map<string, number>()
  for (const { level, width } of tilesOf(70_000)) {
    const what = `${level} ${width}`
    counted.set(what, (counted.get(what) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(counted), {
    '0 256': 273,
    '0 112': 1,
    '1 256': 1,
    '1 17': 1,
    '2 1': 1,
    'entries 256': 273,
    'entries 112': 1,
  })
  assert.deepEqual([...tilesOf(256)].map(tilePath), [
    'tile/0/000',
    'tile/1/000.p/1',
    'tile/entries/000',
  ])
})

test('bundles are lengths of 16 bits and entries, and nothing else is read as one', () => {
  const bundle = encodeBundle([Buffer.from('ab'), Buffer.alloc(0), Buffer.alloc(258, 1)])
  assert.equal(bundle.subarray(0, 8).toString('hex'), '0002616200000102')
  const entries = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 })
  fc.assert(
    fc.property(entries, (entries) => {
      const read = decodeBundle(encodeBundle(entries))
      assert.deepEqual(
        read?.map((entry) => [...entry]),
        entries.map((entry) => [...entry]),
      )
    }),
  )
  assert.equal(decodeBundle(bundle.subarray(0, -1)), undefined)
  assert.equal(decodeBundle(Buffer.of(0)), undefined)
  assert.throws(() => encodeBundle([Buffer.alloc(ENTRY_BYTES_MAX + 1)]), /65,535/)
})
