import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { stringify } from 'yaml'
import { exposition } from '../exposition.test-support.ts'

const PROMTOOL = process.env['RINGFENCE_TEST_PROMTOOL'] ?? 'promtool'
const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy')
const PROMETHEUS = join(DEPLOY, 'prometheus')

function promtool(args: readonly string[], input?: string) {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  })
  return { status, text: `${stdout}${stderr}` }
}

function rulesOf(t: TestContext, expressions: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'rf-promtool-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr }))
  const file = join(directory, 'rules.yaml')
  writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }))
  return file
}

test('Prometheus takes the rules, and they say of series what they promise', () => {
  for (const args of [
    ['check', 'rules', '--lint-fatal', join(PROMETHEUS, 'ringfence-rules.yaml')],
    ['test', 'rules', join(PROMETHEUS, 'ringfence-rules.test.yaml')],
    ['check', 'config', '--syntax-only', join(PROMETHEUS, 'prometheus.yaml')],
  ]) {
    const { status, text } = promtool(args)
    assert.equal(status, 0, text)
  }
})

test('a rule that is wrong is noticed: the check can fail', (t) => {
  assert.notEqual(promtool(['check', 'rules', rulesOf(t, ['rate(x)'])]).status, 0)
})

test('Prometheus understands every question of every dashboard', (t) => {
  const expressions = globSync(join(DEPLOY, 'grafana', 'dashboards', '*.json')).flatMap((file) => {
    const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
      panels: { targets: { expr: string }[] }[]
    }
    return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  })
  assert.ok(expressions.length > 20)
  const filled = expressions.map((expr) =>
    // As Grafana fills them in.
    expr.replaceAll('$__rate_interval', '2m').replace(/\$\w+/g, '.*'),
  )
  const { status, text } = promtool(['check', 'rules', rulesOf(t, filled)])
  assert.equal(status, 0, text)
})

test('Prometheus reads what planes tell it, and finds no fault with the names of it', async () => {
  // One plane's: a process does not say a metric twice.
  const [first = ''] = (await exposition()).split(/(?=^# HELP ringfence_process_cpu)/m).slice(1)
  const { status, text } = promtool(['check', 'metrics'], first)
  assert.equal(status, 0, text)
})
