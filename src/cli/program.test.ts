import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runLine } from './run-line.test-support.ts'

/** Occurs in arguments, files and the environment below; it must occur in no output. */
const SECRET = 'planted-secret-5f0c'

let directory: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-cli-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

const run = (...args: readonly string[]) =>
  runLine(args, { BAD_URL: `postgres://admin:${SECRET}@127.0.0.1:1/clinic` })

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const CLINIC = 'examples/clinic/ringfence.yaml'
const PLATFORM = 'examples/clinic/platform.yaml'

describe('misuse is one clear line, exit code 2, and changes nothing', () => {
  const cases: readonly (readonly [string, () => string[], RegExp])[] = [
    ['an unknown command', () => ['frobnicate'], /unknown command/],
    ['an unknown flag', () => ['prove', '-f', CLINIC, '--frob'], /unknown option/],
    ['a missing flag', () => ['prove'], /required option/],
    ['a manifest that is not there', () => ['prove', '-f', 'nowhere.yaml'], /nowhere\.yaml/],
    ['a manifest that is a directory', () => ['prove', '-f', directory], /EISDIR/],
    [
      'a manifest that is not YAML',
      () => ['prove', '-f', file('a.yaml', `${SECRET}: [`)],
      /not YAML/,
    ],
    ['a manifest of another kind', () => ['prove', '-f', PLATFORM], /kind/],
    ['a platform manifest of another kind', () => ['up', '-f', CLINIC], /kind/],
    [
      'a field that there is not',
      () => [
        'prove',
        '-f',
        file(
          'b.yaml',
          'apiVersion: ringfence.dev/v1\nkind: Application\nmetadata: {name: x}\nspec: {schema: x, tables: {}, frob: 1}',
        ),
      ],
      /frob|Unrecognized/,
    ],
    [
      'a tier that there is not',
      () => ['prove', '-f', CLINIC, '--tier', 'silver'],
      /pooled, bridge, silo/,
    ],
    ['too many tenants', () => ['prove', '-f', CLINIC, '--tenants', '99'], /3 to 16/],
    ['a number that is none', () => ['prove', '-f', CLINIC, '--tenants', 'few'], /whole number/],
    ['an attack that there is not', () => ['prove', '-f', CLINIC, '--only', 'no-such'], /no-such/],
    ['a URL that is none', () => ['prove', '-f', CLINIC, '--database', `x${SECRET}`], /URL/],
    [
      'a URL of another kind',
      () => ['prove', '-f', CLINIC, '--database', `mysql://a:${SECRET}@h/d`],
      /postgres/,
    ],
    [
      'a server that is not there',
      () => ['prove', '-f', CLINIC, '--database', 'env:BAD_URL'],
      /127\.0\.0\.1/,
    ],
    [
      'a variable that is not set',
      () => ['inspect', '-f', CLINIC, '--database', 'env:NOT_SET'],
      /NOT_SET/,
    ],
    [
      'evidence that is not there',
      () => ['evidence', 'verify', 'nowhere', '--key', 'x'],
      /nowhere/,
    ],
    [
      'evidence that is none',
      () => ['evidence', 'verify', file('e.json', '{}'), '--key', file('k', SECRET)],
      /./,
    ],
    ['a tenant id with capitals', () => ['lease', 'Acme', '--reason', 'x'], /tenant id/],
    ['a tenant id with SQL', () => ['lease', `a';drop table x--`, '--reason', 'x'], /tenant id/],
    ['a tenant id with a path', () => ['lease', '../acme', '--reason', 'x'], /tenant id/],
    ['a lease for no reason', () => ['lease', 'acme'], /: give --reason, or --support\n/],
    [
      'a platform’s manifest that is two',
      () => ['up', '-f', file('two.yaml', 'kind: Platform\n---\nkind: Platform\n')],
      /two\.yaml: several documents, and one is read here\n/,
    ],
    [
      'no platform to ask',
      () => ['tenants', 'list', '--state', join(directory, 'none')],
      /no platform runs/,
    ],
    [
      'an output format that there is not',
      () => ['inspect', '-f', CLINIC, '--database', 'x', '-o', 'xml'],
      /table, json, yaml/,
    ],
  ]
  for (const [what, args, says] of cases) {
    test(what, async () => {
      const given = args()
      const before = readdirSync(directory).sort()
      const state = given.includes('--state') ? [] : ['--state', join(directory, 'state')]
      const takesState = ['prove', 'up', 'lease', 'token', 'tenants'].includes(given[0] ?? '')
      const { code, out, err } = await run(...given, ...(takesState ? state : []))
      assert.equal(code, 2)
      assert.match(err, says)
      assert.equal(err.trimEnd().split('\n').length, 1, err)
      assert.doesNotMatch(out + err, new RegExp(`${SECRET}|\\bat .*\\.ts:\\d`))
      assert.deepEqual(readdirSync(directory).sort(), before)
      assert.ok(!existsSync(join(directory, 'state')))
    })
  }
})

describe('help', () => {
  for (const command of [
    ['--help'],
    ['prove', '--help'],
    ['up', '--help'],
    ['inspect', '--help'],
    ['evidence', 'verify', '--help'],
    ['lease', '--help'],
  ]) {
    test(`${command.join(' ')} explains itself with an example and exits with 0`, async () => {
      const { code, out } = await run(...command)
      assert.equal(code, 0)
      assert.match(out, /Examples?:\n {2}\S/)
    })
  }
})
