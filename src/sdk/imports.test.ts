import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const IMPORT =
  /^\s*(?:import|export)\s+(?!type\b)[^'"]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/gm
const SOURCE = join(import.meta.dirname, '..')
/** What a service that imports the SDK has to have. */
const PACKAGES = ['jose', 'pg', 'zod']

/** Every file and package that importing `entry` loads. */
function loadedBy(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    for (const match of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const specifier = match[1] ?? match[2] ?? match[3] ?? ''
      if (specifier.startsWith('.')) visit(resolve(dirname(file), specifier))
      else if (!specifier.startsWith('node:')) packages.add(specifier)
    }
  }
  visit(join(import.meta.dirname, entry))
  return { files, packages }
}

for (const entry of ['index.ts', 'express.ts', 'fastify.ts', 'hono.ts']) {
  test(`${entry} loads nothing of the platform’s own processes, and no package but three`, () => {
    const { files, packages } = loadedBy(entry)
    const folders = new Set([...files].map((file) => relative(SOURCE, file).split('/')[0]))
    assert.deepEqual(
      [...folders].toSorted(),
      ['core', 'http', 'journal', 'sdk', 'tokens', 'usage'].filter((name) => folders.has(name)),
    )
    for (const name of packages) assert.ok(PACKAGES.includes(name), `${entry} loads ${name}`)
  })
}

test('the walk sees what is there', () => {
  const { files, packages } = loadedBy('index.ts')
  assert.ok(files.size > 20)
  assert.deepEqual([...packages].toSorted(), PACKAGES)
})
