import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { servedControl } from './served-control.test-support.ts'

const GUARDRAIL = `apiVersion: ringfence.dev/v1
kind: Guardrail
metadata: { name: sizes, tenant: acme }
spec:
  direction: request
  rules:
    - { kind: size, bytes: 10 }
`
const PLATFORMS = GUARDRAIL.replace(', tenant: acme', '')

async function opened(t: TestContext) {
  const control = await servedControl(t)
  const file = join(control.state, 'a.yaml')
  const write = (text: string) => writeFileSync(file, text)
  write(`${GUARDRAIL}---\n${PLATFORMS}`)
  return {
    ...control,
    file,
    write,
    run: (...args: string[]) => control.run(...args),
    runAs: (...args: Parameters<typeof control.runAs>) => control.runAs(...args),
  }
}

test('apply says what became of each thing, and nothing a second time', async (t) => {
  const { run, file } = await opened(t)
  const first = await run('apply', '-f', file)
  assert.equal(first.out, 'guardrail/sizes (acme) created\nguardrail/sizes created\n', first.err)
  const again = await run('apply', '-f', file)
  assert.equal(again.out, 'guardrail/sizes (acme) unchanged\nguardrail/sizes unchanged\n')
  assert.equal(again.code, 0)
})

test('a dry run and a diff change nothing; a diff ends with 1 where there is one', async (t) => {
  const { run, file, write, plane } = await opened(t)
  const tried = await run('apply', '-f', file, '--dry-run')
  assert.match(tried.out, /created \(dry run\)/)
  assert.equal(plane.objectsByKey.size, 0)
  await run('apply', '-f', file)
  assert.deepEqual(await run('diff', '-f', file), { code: 0, out: '', err: '' })
  write(GUARDRAIL.replace('bytes: 10', 'bytes: 11'))
  const diff = await run('diff', '-f', file)
  assert.equal(diff.code, 1)
  assert.equal(
    diff.out,
    'guardrail/sizes (acme) configured\n  - rules[0].bytes: 10\n  + rules[0].bytes: 11\n',
  )
  assert.equal((await run('diff', '-f', file)).code, 1)
})

test('drift is told with an exit code of its own', async (t) => {
  const { run } = await opened(t)
  const { code, out } = await run('diff', '--live')
  assert.equal(code, 1)
  assert.match(out, /^platform drifted\n {2}\+ guardrails\[sizes\]/)
})

test('what is exported can be applied as it is', async (t) => {
  const { run, file, write } = await opened(t)
  await run('apply', '-f', file)
  const exported = await run('get', 'all', '-o', 'yaml')
  write(exported.out)
  const again = await run('apply', '-f', file)
  assert.deepEqual(
    [
      ...new Set(
        again.out
          .trim()
          .split('\n')
          .map((line) => line.split(' ').at(-1)),
      ),
    ],
    ['unchanged'],
  )
  write((await run('get', 'all', '-o', 'json')).out)
  assert.equal((await run('diff', '-f', file)).out, '')
  const one = await run('get', 'guardrails', 'sizes', '-t', 'acme', '-o', 'json')
  const { metadata } = JSON.parse(one.out) as { metadata: { tenant?: string } }
  assert.equal(metadata.tenant, 'acme')
})

test('programs get a list where a list was asked for, of one or of none too, and hear what delete did', async (t) => {
  const { run, file, write } = await opened(t)
  assert.deepEqual(JSON.parse((await run('get', 'guardrails', '-o', 'json')).out), [])
  write(GUARDRAIL)
  await run('apply', '-f', file)
  const list = JSON.parse((await run('get', 'guardrails', '-o', 'json')).out) as unknown[]
  assert.equal(list.length, 1)
  assert.equal((await run('get', 'guardrails', '--generation', '1')).code, 2)
  const { out } = await run('delete', '-f', file, '--yes', '-o', 'json')
  const { changes } = JSON.parse(out) as { changes: { change: string }[] }
  assert.deepEqual(
    changes.map(({ change }) => change),
    ['removed'],
  )
})

test('an earlier generation is shown, and told with who made it', async (t) => {
  const { run, file, write } = await opened(t)
  await run('apply', '-f', file)
  write(GUARDRAIL.replace('bytes: 10', 'bytes: 11'))
  await run('apply', '-f', file, '--why', 'larger')
  const then = await run(
    'get',
    'guardrail',
    'sizes',
    '-t',
    'acme',
    '--generation',
    '1',
    '-o',
    'yaml',
  )
  assert.match(then.out, /bytes: 10/)
  const history = await run('history', 'guardrail', 'sizes', '-t', 'acme')
  assert.match(history.out, /larger/)
})

test('delete asks, and removes all or nothing', async (t) => {
  const { run, runAs, file, write } = await opened(t)
  await run('apply', '-f', file)
  const no = await runAs({ answer: 'no' }, 'delete', '-f', file)
  assert.equal(no.code, 2)
  write(`${GUARDRAIL}---\n${GUARDRAIL.replace('sizes', 'missing')}`)
  assert.equal((await run('delete', '-f', file, '--yes')).code, 2)
  write(GUARDRAIL)
  assert.equal((await run('delete', '-f', file, '--yes')).out, 'guardrail/sizes (acme) removed\n')
})

test('a set is pruned only by its name', async (t) => {
  const { run, file, write } = await opened(t)
  assert.equal((await run('apply', '-f', file, '--prune')).code, 2)
  await run('apply', '-f', file, '--set', 'repository')
  write(PLATFORMS)
  const { out } = await run('apply', '-f', file, '--set', 'repository', '--prune')
  assert.match(out, /guardrail\/sizes \(acme\) removed/)
})

test('a file with nothing in it prunes nobody’s set', async (t) => {
  const { run, file, write, requests } = await opened(t)
  write('# all of it is gone\n')
  const { code, err } = await run('apply', '-f', file, '--set', 'repository', '--prune')
  assert.deepEqual([code, requests], [2, []])
  assert.match(err, /a\.yaml: there is no manifest in it/)
})

test('what is wrong is told by file and line, all of it, and asks nobody', async (t) => {
  const { run, file, write, requests } = await opened(t)
  write(GUARDRAIL.replace('bytes: 10', 'bytes: ten').replace('direction: request', 'direction: up'))
  const { code, err, out } = await run('apply', '-f', file)
  assert.deepEqual([code, out, requests], [2, '', []])
  const lines = err.trim().split('\n')
  assert.match(lines[0] ?? '', /a\.yaml:5:14: spec\.direction: /)
  assert.match(lines[1] ?? '', /a\.yaml:7:28: spec\.rules\[0\]\.bytes: /)
  assert.match(lines.at(-1) ?? '', /2 problems: nothing was changed/)
})

test('what the control plane finds wrong is told by file and line as well', async (t) => {
  const { run, file, instead } = await opened(t)
  const problem = {
    type: 'urn:ringfence:error:invalid_manifest',
    title: 'not valid',
    status: 400,
    code: 'invalid_manifest',
    errors: [
      { in: 'body', pointer: '#/objects/1/spec/rules/0/bytes', detail: 'too many' },
      { in: 'body', pointer: '#', detail: 'Contract acme/clinic: no upstream' },
    ],
  }
  instead.push(() => Response.json(problem, { status: 400 }))
  const { code, err } = await run('apply', '-f', file)
  assert.equal(code, 2)
  assert.match(err, /a\.yaml:15:28: spec\.rules\[0\]\.bytes: too many\n/)
  assert.match(err, /Contract acme\/clinic: no upstream\n/)
})

test('an OpenAPI document is exported to be read, and its differences are told by their places', async (t) => {
  const { run, file, write } = await opened(t)
  const contract = (title: string) => ({
    apiVersion: 'ringfence.dev/v1',
    kind: 'Contract',
    metadata: { name: 'api', tenant: 'acme' },
    spec: {
      apis: [
        {
          ...{ name: 'a', prefix: '/', upstream: { of: 'platform', name: 'x' } },
          openapi: { openapi: '3.1.0', info: { title, version: '1' }, paths: {} },
        },
      ],
    },
  })
  write(JSON.stringify(contract('Records')))
  await run('apply', '-f', file)
  const exported = (await run('get', 'contract', 'api', '-t', 'acme', '-o', 'yaml')).out
  assert.match(exported, /title: Records/)
  write(exported)
  assert.equal((await run('apply', '-f', file)).out, 'contract/api (acme) unchanged\n')
  write(JSON.stringify(contract('Files')))
  const { out } = await run('diff', '-f', file)
  assert.match(out, /- apis\[a\]\.openapi\.info\.title: "Records"\n {2}\+ .*title: "Files"\n$/)
})

test('the examples are applied as they are, by the command that the documentation shows', async (t) => {
  const { run } = await opened(t)
  const examples = new URL('../../examples/manifests', import.meta.url).pathname
  const { code, out, err } = await run('apply', '-f', examples)
  assert.equal(code, 0, err)
  assert.match(out, /contract\/riverside \(riverside\) created/)
  assert.ok(readFileSync(join(examples, 'riverside.yaml'), 'utf8').length > 0)
})
