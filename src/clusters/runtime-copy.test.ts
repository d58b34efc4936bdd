import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runTool } from './run-tool.ts'
import { runtimeCopy } from './runtime-copy.ts'
import { packagedBinaries } from './server-binaries.ts'
import { isRoot, newServerUser } from './server-user.ts'
import { ask, scratch, started } from './scratch.test-support.ts'

/** The package as npm leaves it when install scripts are switched off: no symbolic links. */
function packageWithoutLinks(t: TestContext): string {
  const original = dirname(dirname(packagedBinaries()))
  const copy = join(scratch(t), 'package')
  const keep = (path: string) => !lstatSync(path).isSymbolicLink()
  cpSync(original, copy, { recursive: true, filter: keep })
  chmodSync(copy, 0o755)
  return join(copy, 'native', 'bin')
}

test('without its symbolic links the package is copied once and runs from there', async (t) => {
  // Where the names of folders look like those of the package's own.
  const [packaged, cache] = [packageWithoutLinks(t), join(scratch(t), 'lib', 'v1.2', 'cache')]
  const before = await runTool(join(packaged, 'initdb'), ['-V'], { spawn: {} })
  assert.match(before.stderr, /error while loading shared libraries|^$/)
  const copies = await Promise.all([1, 2, 3].map(() => runtimeCopy(packaged, [cache])))
  assert.equal(new Set(copies).size, 1, 'three at once share one')
  const [bin = ''] = copies
  assert.equal(readdirSync(cache).length, 1, 'and leave nothing half-made')
  const user = await newServerUser()
  const version = await runTool(join(bin, 'postgres'), ['-V'], user)
  assert.match(version.stdout, /PostgreSQL\) 18/)
  assert.equal(statSync(join(bin, 'postgres')).mode & 0o022, 0, 'no one else can change it')
  const cluster = await started(t, { directory: scratch(t), binaries: bin })
  assert.deepEqual(await ask(cluster.admin, 'SELECT 1'), [1])
})

test('what a killed copy left is removed after an hour, not before', async (t) => {
  const [packaged, cache] = [packageWithoutLinks(t), scratch(t)]
  for (const name of ['.partial-old', '.partial-new']) mkdirSync(join(cache, name))
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
  utimesSync(join(cache, '.partial-old'), hoursAgo, hoursAgo)
  await runtimeCopy(packaged, [cache])
  const left = readdirSync(cache).filter((name) => name.startsWith('.partial'))
  assert.deepEqual(left, ['.partial-new'])
})

test('a cache that cannot be written gives way to the next', async (t) => {
  const [packaged, second] = [packageWithoutLinks(t), scratch(t)]
  const file = join(scratch(t), 'file')
  writeFileSync(file, '')
  assert.ok((await runtimeCopy(packaged, [join(file, 'cache'), second])).startsWith(second))
  await assert.rejects(runtimeCopy(packaged, [join(file, 'cache'), join(file, 'other')]), {
    code: 'EACCES',
  })
})

test('a package that anyone can reach is used where it is', async (t) => {
  const cache = scratch(t)
  const packaged = packagedBinaries()
  const used = await runtimeCopy(packaged, [cache])
  assert.equal(readdirSync(cache).length === 0, used === packaged)
})

if (isRoot) {
  test("root's server runs from a copy when it could not reach the package", async (t) => {
    const cache = scratch(t)
    const private_ = join(scratch(t), 'private')
    mkdirSync(private_, { mode: 0o700 })
    const original = dirname(dirname(packagedBinaries()))
    cpSync(original, join(private_, 'package'), { recursive: true, verbatimSymlinks: true })
    const bin = await runtimeCopy(join(private_, 'package', 'native', 'bin'), [cache])
    assert.ok(bin.startsWith(cache))
    const version = await runTool(join(bin, 'initdb'), ['-V'], await newServerUser())
    assert.match(version.stdout, /PostgreSQL\) 18/)
    rmSync(private_, { recursive: true })
  })
}
