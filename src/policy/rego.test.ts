import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { readRegoBundle } from './rego-bundle.ts'
import { RegoEngines, regoProblem } from './rego.ts'

const bundle = (name: string) =>
  readFileSync(join(import.meta.dirname, 'fixtures', `${name}.tar.gz`)).toString('base64')
const ADMINS = bundle('admins')
const SLOW = bundle('slow')
const asked = (...roles: readonly string[]) => ({ principal: { roles } })

const engines = new RegoEngines()
after(() => engines.close())

test('a bundle allows what it says, and nothing else', async () => {
  const owner = {}
  assert.equal(regoProblem(ADMINS), undefined)
  assert.equal(await engines.ask(owner, ADMINS, asked('admin')), true)
  assert.equal(await engines.ask(owner, ADMINS, asked('nurse')), false)
  assert.equal(await engines.ask(owner, ADMINS, {}), false)
})

test('the module alone will do, where there is no data with it', async () => {
  const module = Buffer.from(readRegoBundle(ADMINS).module).toString('base64')
  assert.equal(await engines.ask({}, module, asked('admin')), true)
})

test('a bundle that does not come to an end is ended, and is not asked for a while', async () => {
  const owner = {}
  assert.equal(regoProblem(SLOW), undefined)
  await assert.rejects(engines.ask(owner, SLOW, { never: -1 }), /did not decide/)
  await assert.rejects(engines.ask(owner, SLOW, { never: -1 }), /a moment ago/)
  // Another tenant's is not kept waiting by it.
  assert.equal(await engines.ask({}, ADMINS, asked('admin')), true)
})

test('what is no bundle, or has a memory without bounds, is refused', () => {
  const archive = (bytes: Uint8Array) => gzipSync(bytes).toString('base64')
  assert.match(regoProblem('AAAA') ?? '', /no WebAssembly module/)
  assert.match(regoProblem(archive(Buffer.alloc(1024))) ?? '', /no policy.wasm/)
  assert.match(regoProblem(archive(Buffer.alloc(30_000_000))) ?? '', /cannot be used/)
  assert.match(regoProblem(archive(Buffer.alloc(600, 'x'))) ?? '', /archive cannot be read/)
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const wasm = (...sections: readonly number[]) =>
    Buffer.from([...header, ...sections]).toString('base64')
  assert.match(regoProblem(wasm()) ?? '', /not one memory/)
  // Section 5: one memory of at least a page.
  assert.match(regoProblem(wasm(5, 3, 1, 0, 1)) ?? '', /a memory of its own/)
  assert.match(regoProblem(wasm(5, 99, 1, 0, 1)) ?? '', /cut off/)
})
