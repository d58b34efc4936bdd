import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { manifestFiles, manifestText } from './manifest-files.ts'
import { keyOf, referenceOf } from './manifest.ts'
import { InvalidManifests, problemLine } from './problem.ts'
import { readManifests } from './read-manifests.ts'

const room = mkdtempSync(join(tmpdir(), 'rf-manifests-'))
after(() => rmSync(room, { recursive: true, force: true }))

let rooms = 0
function directory(files: Readonly<Record<string, string>>): string {
  rooms += 1
  const root = join(room, String(rooms))
  mkdirSync(root)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

const read = (text: string) => readManifests([manifestText('x.yaml', text, room)])
function problemsOf(work: () => unknown): readonly string[] {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof InvalidManifests, String(error))
    return error.problems.map(problemLine)
  }
  return []
}

const GUARDRAIL = `apiVersion: ringfence.dev/v1
kind: Guardrail
metadata: { name: sizes, tenant: acme }
spec:
  direction: request
  rules:
    - { kind: size, bytes: 1 }
`

test('every document of a file is read, and empty ones are passed over', () => {
  const other = GUARDRAIL.replace('sizes', 'more')
  const found = read(`---\n${GUARDRAIL}---\n---\n${other}...\n`)
  assert.deepEqual(
    found.map(({ manifest }) => keyOf(referenceOf(manifest))),
    ['acme/Guardrail/sizes', 'acme/Guardrail/more'],
  )
})

test('a document may be a list, each entry of which is told of where it stands', () => {
  const [one] = read(GUARDRAIL).map(({ manifest }) => manifest)
  assert.deepEqual(
    read(JSON.stringify([one])).map(({ manifest }) => manifest),
    [one],
  )
  const wrong = JSON.stringify([one, { ...one, kind: 'Guardrial' }, 7], null, 1)
  assert.deepEqual(
    problemsOf(() => read(wrong)).map((line) => /^x\.yaml:\d+/.exec(line)?.[0]),
    ['x.yaml:21', 'x.yaml:36'],
  )
})

test('what is wrong is told by file, line and field, all of it at once', () => {
  const wrong = `${GUARDRAIL}---
${GUARDRAIL.replace('bytes: 1', 'bytes: -1').replace('direction: request', 'direction: up')}  more: 1
`
  assert.deepEqual(
    problemsOf(() => read(wrong)),
    [
      'x.yaml:13:14: spec.direction: Invalid option: expected one of "request"|"response"|"both"',
      'x.yaml:15:28: spec.rules[0].bytes: Too small: expected number to be >=0',
      'x.yaml:16:9: spec.more: there is no such field',
    ],
  )
})

test('values are not repeated in what is told', () => {
  const [told] = problemsOf(() => read(GUARDRAIL.replace('bytes: 1', 'bytes: planted-secret')))
  assert.match(told ?? '', /rules\[0\]\.bytes/)
  assert.doesNotMatch(told ?? '', /planted-secret/)
})

test('a file is read whole or not at all', () => {
  assert.equal(problemsOf(() => read(`${GUARDRAIL}---\nkind: Nothing\n`)).length, 1)
})

test('repeated keys, unknown tags, floods of aliases and the same thing twice are refused', () => {
  const flood = `a: &a [x]\nb: &b [${'*a,'.repeat(40)}]\n`
  for (const text of [
    GUARDRAIL.replace('direction: request', 'direction: request\n  direction: response'),
    GUARDRAIL.replace('bytes: 1', 'bytes: !!js/function 1'),
    flood,
    'a: [1\n',
    `${GUARDRAIL}---\n${GUARDRAIL}`,
  ]) {
    assert.equal(problemsOf(() => read(text)).length > 0, true, text)
  }
})

test('a Plan or a Tenant of a tenant is refused', () => {
  const plan = `apiVersion: ringfence.dev/v1
kind: Plan
metadata: { name: gold, tenant: acme }
spec: { tiers: [pooled], requestsPerMinute: 1, leasesPerMinute: 1, leaseSecondsMax: 1 }
`
  assert.match(problemsOf(() => read(plan)).join(), /metadata\.tenant: a Plan is the platform’s/)
})

test('the platform’s policy store holds policies only', () => {
  const store = `apiVersion: ringfence.dev/v1
kind: PolicyStore
metadata: { name: platform }
spec: { policies: [], entities: [] }
`
  assert.match(problemsOf(() => read(store)).join(), /spec\.entities/)
})

const CONTRACT = `apiVersion: ringfence.dev/v1
kind: Contract
metadata: { name: c, tenant: acme }
spec:
  apis:
    - name: a
      prefix: /a
      upstream: { of: platform, name: a }
      openapi: { file: FILE }
`

test('a file that a manifest names stands in its place, and need be no manifest itself', () => {
  const root = directory({
    'b/contract.yaml': CONTRACT.replace('FILE', '../a.openapi.yaml'),
    'a.openapi.yaml': 'openapi: 3.1.0\npaths: {}\n',
  })
  const [only, ...more] = readManifests(manifestFiles(root))
  assert.deepEqual(more, [])
  assert.ok(only?.manifest.kind === 'Contract')
  assert.equal(only.manifest.spec.apis[0]?.openapi, '{"openapi":"3.1.0","paths":{}}')
})

test('a file that no manifest names has to be one: none is passed over by a slip', () => {
  const root = directory({ 'a.yaml': GUARDRAIL, 'b.yaml': GUARDRAIL.replace('kind:', 'kinds:') })
  assert.match(problemsOf(() => readManifests(manifestFiles(root))).join('\n'), /b\.yaml:1:1: kind/)
})

test('a manifest names no file outside of its directory, also not by a link', () => {
  const secret = join(room, 'secret.yaml')
  writeFileSync(secret, 'openapi: planted-secret\n')
  for (const name of [
    '../secret.yaml',
    secret,
    'link.yaml',
    'no-such.yaml',
    'x/../../secret.yaml',
  ]) {
    const root = directory({
      'contract.yaml': CONTRACT.replace('FILE', name),
      'x/y.yaml': GUARDRAIL,
    })
    symlinkSync(secret, join(root, 'link.yaml'))
    const told = problemsOf(() => readManifests(manifestFiles(join(root, 'contract.yaml'))))
    assert.match(told.join(), /spec\.apis\[0\]\.openapi/, name)
    assert.doesNotMatch(told.join(), /planted-secret/)
  }
})

test('whatever is in a file, it is read or refused with a place, and nothing else happens', () => {
  const value = fc.oneof(
    fc.json(),
    fc.string(),
    fc.anything({
      maxDepth: 3,
      key: fc.constantFrom('kind', 'spec', 'metadata', '__proto__', 'a'),
    }),
  )
  fc.assert(
    fc.property(value, fc.boolean(), (what, kinded) => {
      let text: string
      try {
        const base = { apiVersion: 'ringfence.dev/v1', kind: 'Contract', spec: what }
        text = typeof what === 'string' && !kinded ? what : stringify(kinded ? base : what)
      } catch {
        return
      }
      for (const line of problemsOf(() => read(text))) assert.match(line, /^x\.yaml:\d+:\d+: /)
    }),
    { numRuns: 300 },
  )
})
