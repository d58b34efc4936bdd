import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runLine } from './run-line.test-support.ts'

const directory = mkdtempSync(join(tmpdir(), 'rf-policy-'))
after(() => rmSync(directory, { recursive: true }))

function store(name: string, text: string, more = ''): string {
  const file = join(directory, `${name}.yaml`)
  writeFileSync(
    file,
    `apiVersion: ringfence.dev/v1
kind: PolicyStore
metadata: { name: main, tenant: acme }
spec:
  policies:
    - { id: doctors, text: '${text}' }
${more}`,
  )
  return file
}

const DOCTORS = 'permit(principal in Role::"acme/doctor", action in Action::"read", resource);'
const doctor = `
      entities:
        - uid: { type: User, id: acme/ada }
          attrs: {}
          parents: [{ type: Role, id: acme/doctor }]`
const testOf = (name: string, method: string, expect: string) => `
    - name: ${name}
      principal: User::"acme/ada"
      action: Action::"${method}"
      resource: Api::"acme/clinic"
      expect: ${expect}${doctor}`
const good = store('good', DOCTORS, `  tests:${testOf('doctors read', 'GET', 'allow')}`)

const run = (...args: readonly string[]) => runLine(['policy', ...args])

test('a good store has nothing wrong with it, and one that names another tenant’s has', async () => {
  assert.deepEqual(await run('validate', '-f', good), {
    code: 0,
    out: 'nothing is wrong with it\n',
    err: '',
  })
  const bad = store('bad', DOCTORS.replace('acme', 'globex'))
  const { code, out } = await run('validate', '-f', bad)
  assert.equal(code, 1)
  assert.match(out, /policies\/doctors +ids of entities here begin with acme\//)
})

test('a store names operations of its own tenant’s contract, and of no other one in the directory', async () => {
  const openapi = {
    openapi: '3.1.0',
    info: { title: 'x', version: '1' },
    paths: { '/a': { get: { operationId: 'listPatients' } } },
  }
  const contract = (tenant: string) => ({
    apiVersion: 'ringfence.dev/v1',
    kind: 'Contract',
    metadata: { name: 'api', tenant },
    spec: {
      apis: [
        { name: 'clinic', prefix: '/', upstream: { of: 'platform', name: 'clinic' }, openapi },
      ],
    },
  })
  const text = 'permit(principal, action == Action::"clinic/listPatients", resource);'
  const both = (tenant: string) => {
    const file = store(`of-${tenant}`, text)
    writeFileSync(file, `${readFileSync(file, 'utf8')}---\n${JSON.stringify(contract(tenant))}\n`)
    return run('validate', '-f', file)
  }
  assert.equal((await both('acme')).code, 0)
  const { code, out } = await both('globex')
  assert.equal(code, 1)
  assert.match(out, /policies/)
})

test('tests that stand in a store are run, and one that fails is an exit code', async () => {
  assert.equal((await run('test', '-f', good)).code, 0)
  const failing = store('failing', DOCTORS, `  tests:${testOf('doctors write', 'POST', 'allow')}`)
  const { code, out } = await run('test', '-f', failing)
  assert.equal(code, 1)
  assert.match(out, /doctors write +FAILED: deny instead of allow +no policy permits it/)
  assert.equal((await run('test', '-f', store('none', DOCTORS))).code, 2)
})

test('a decision is explained policy by policy', async () => {
  const asked = ['--principal', 'User::"acme/ada"', '--action', 'Action::"POST"']
  const { code, out } = await run('explain', '-f', good, ...asked, '--resource', 'Api::"acme/x"')
  assert.equal(code, 1)
  assert.match(out, /doctors +permit +is about something else +principal, action/)
  assert.match(out, /\ndeny\n/)
  assert.equal((await run('explain', '-f', good)).code, 2)
  const slip = await run('explain', '-f', good, ...asked, '--resource', 'Api::acme/x')
  assert.equal(slip.err, 'ringfence: an entity is written as User::"acme/ada"\n')
})

test('what a new version would decide in another way is shown by what was asked before', async () => {
  const recording = join(directory, 'questions.jsonl')
  const principal = {
    ...{ type: 'User', id: 'acme/ada' },
    parents: [{ type: 'Role', id: 'acme/doctor' }],
  }
  const line = (tenant: string, id: string) =>
    JSON.stringify({
      ...{ tenant, principal, decision: id === 'GET' ? 'allow' : 'deny' },
      action: {
        type: 'Action',
        id,
        parents: [{ type: 'Action', id: id === 'GET' ? 'read' : 'write' }],
      },
      resource: { type: 'Api', id: 'acme/clinic' },
    })
  writeFileSync(
    recording,
    [line('acme', 'GET'), line('acme', 'POST'), line('globex', 'POST')].join('\n'),
  )
  const same = await run('diff', '-f', good, '--recording', recording)
  assert.deepEqual([same.code, same.err], [0, ''])
  assert.match(same.out, /^2 questions: 0 would be decided/)
  const wider = store('wider', DOCTORS.replace('read', 'write'))
  const { code, out } = await run('diff', '-f', wider, '--against', good, '--recording', recording)
  assert.equal(code, 1)
  assert.match(out, /POST .*deny +allow/)
  assert.match(out, /2 questions: 2 would be decided/)
})
