import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeLibpqFiles } from './libpq-files.ts'

test('a lease is written as libpq reads it, for our own user alone, and quotes what libpq would split', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'rf-libpq-'))
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  const directory = join(parent, 'acme')
  const login = {
    host: String.raw`/run/a:b\c`,
    port: 5432,
    database: 'clinic',
    user: 'rf_login',
    password: 'planted-secret',
  }
  const { serviceFile, passFile } = await writeLibpqFiles(directory, 'acme', login)
  assert.equal(
    readFileSync(passFile, 'utf8'),
    `${String.raw`/run/a\:b\\c:5432:clinic:rf_login:planted-secret`}\n`,
  )
  const service = readFileSync(serviceFile, 'utf8')
  assert.match(service, /^\[acme\]\nhost=/)
  assert.ok(!service.includes('planted-secret'))
  for (const path of [directory, serviceFile, passFile]) {
    assert.equal(statSync(path).mode & 0o077, 0, path)
  }
})
