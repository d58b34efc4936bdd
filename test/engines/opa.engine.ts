import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RegoEngines, regoProblem } from '../../src/policy/rego.ts'

const OPA = process.env['RINGFENCE_TEST_OPA'] ?? ''
const FIXTURES = join(import.meta.dirname, '..', '..', 'src', 'policy', 'fixtures')
const directory = mkdtempSync(join(tmpdir(), 'rf-opa-'))
const engines = new RegoEngines()
after(() => {
  engines.close()
  rmSync(directory, { recursive: true })
})

function opa(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(OPA, args, { encoding: 'utf8', cwd: directory })
  assert.equal(status, 0, stderr)
  return stdout
}

/** A bundle of a policy and its data, as a tenant would make it. */
function bundle(name: string, rego: string, data?: object): string {
  writeFileSync(join(directory, `${name}.rego`), rego)
  const files = [`${name}.rego`]
  if (data !== undefined) {
    writeFileSync(join(directory, 'data.json'), JSON.stringify(data))
    files.push('data.json')
  }
  opa('build', '-t', 'wasm', '-e', 'ringfence/allow', '-o', `${name}.tar.gz`, ...files)
  return readFileSync(join(directory, `${name}.tar.gz`)).toString('base64')
}

const HOURS = `package ringfence

default allow := false

allow if {
	some role in input.principal.roles
	role in data.may[input.action.id]
	not startswith(input.resource.path, "/export")
	to_number(substring(input.context.time, 11, 2)) >= 8
}`
const MAY = { may: { GET: ['doctor', 'nurse'], POST: ['doctor'] } }

const INPUTS = ['doctor', 'nurse', 'clerk'].flatMap((role) =>
  ['GET', 'POST', 'DELETE'].flatMap((id) =>
    ['/records/1', '/export/all', '/é😀'].flatMap((path) =>
      ['2026-01-01T07:59:59Z', '2026-01-01T08:00:00Z'].map((time) => ({
        principal: { roles: ['guest', role] },
        action: { id },
        resource: { path },
        context: { time },
      })),
    ),
  ),
)

test('a bundle that OPA compiles now decides here as OPA itself does', async () => {
  const base64 = bundle('hours', HOURS, MAY)
  assert.equal(regoProblem(base64), undefined)
  const owner = {}
  for (const input of INPUTS) {
    writeFileSync(join(directory, 'input.json'), JSON.stringify(input))
    const files = ['-d', 'hours.rego', '-d', 'data.json', '-i', 'input.json']
    const theirs = opa('eval', '-f', 'raw', ...files, 'data.ringfence.allow').trim()
    const ours = await engines.ask(owner, base64, input)
    assert.equal(String(ours), theirs, JSON.stringify(input))
  }
})

test('an object with allow true is allowed, and whatever else is not', async () => {
  const results = {
    '{"allow": true}': true,
    '{"allow": "true"}': false,
    '"true"': false,
    '1': false,
  }
  for (const [index, [text, expected]] of Object.entries(results).entries()) {
    const base64 = bundle(`result${index}`, `package ringfence\n\nallow := ${text}`)
    assert.equal(await engines.ask({}, base64, {}), expected, text)
  }
})

test('a built-in that OPA leaves to its host denies', async () => {
  const rego = `package ringfence

allow if http.send({"method": "get", "url": "http://127.0.0.1:1"}).status_code == 0`
  const base64 = bundle('sends', rego)
  await assert.rejects(engines.ask({}, base64, {}), /did not decide/)
})

test('the bundles that the other tests use are what their sources say', async () => {
  const rego = readFileSync(join(FIXTURES, 'admins.rego'), 'utf8')
  const now = bundle('admins', rego)
  const kept = readFileSync(join(FIXTURES, 'admins.tar.gz')).toString('base64')
  for (const roles of [['admin'], ['nurse'], []]) {
    const input = { principal: { roles } }
    assert.equal(await engines.ask({}, now, input), await engines.ask({}, kept, input))
  }
})
