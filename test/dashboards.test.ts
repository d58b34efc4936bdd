import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { exposition } from './exposition.test-support.ts'

const DEPLOY = join(import.meta.dirname, '..', 'deploy')
const NAME = /\bringfence_[a-z_]+\b/g
/** As Prometheus reads them. */
const names = new Set(
  [...(await exposition()).matchAll(/^([a-z_]+)(?:\{| )/gm)].map(([, name]) => name ?? ''),
)

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly datasource: { readonly uid: string }
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets: readonly {
    readonly expr: string
    readonly datasource: { readonly uid: string }
  }[]
}
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly { name: string; type: string; query: unknown }[] }
  readonly panels: readonly Panel[]
}

const rules = readFileSync(join(DEPLOY, 'prometheus', 'ringfence-rules.yaml'), 'utf8')
const recorded = new Set(
  (parse(rules) as { groups: { rules: { record?: string }[] }[] }).groups.flatMap(({ rules }) =>
    rules.flatMap(({ record }) => record ?? []),
  ),
)
const dashboards = globSync(join(DEPLOY, 'grafana', 'dashboards', '*.json')).map(
  (file) => JSON.parse(readFileSync(file, 'utf8')) as Dashboard,
)

test('there are dashboards, each with a name of its own', () => {
  assert.ok(dashboards.length >= 3)
  assert.equal(new Set(dashboards.map(({ uid }) => uid)).size, dashboards.length)
})

for (const { title, schemaVersion, templating, panels } of dashboards) {
  test(`${title}: loads into any Grafana, whichever data source there is`, () => {
    assert.equal(schemaVersion, 39)
    const [first] = templating.list
    assert.deepEqual(
      [first?.name, first?.type, first?.query],
      ['datasource', 'datasource', 'prometheus'],
    )
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    const cells = new Set<string>()
    for (const { datasource, targets, gridPos } of panels) {
      for (const { uid } of [datasource, ...targets.map((one) => one.datasource)]) {
        assert.equal(uid, '${datasource}')
      }
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(x < 24 && !cells.has(`${x} ${y}`), 'panels do not cover one another')
          cells.add(`${x} ${y}`)
        }
      }
    }
  })

  test(`${title}: asks for metrics that there are, and variables that it has`, () => {
    const variables = new Set(templating.list.map(({ name }) => name))
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const own = [...expr.matchAll(NAME)].map(([name]) => name)
        const rules = [...expr.matchAll(/ringfence:[a-z_]+:\w+/g)].map(([name]) => name)
        assert.ok(own.length + rules.length > 0, title)
        for (const name of own) assert.ok(names.has(name), `${title}: ${name}`)
        for (const name of rules) assert.ok(recorded.has(name), `${title}: ${name}`)
        for (const [, name = ''] of expr.matchAll(/\$(\w+)/g)) {
          assert.ok(name.startsWith('__') || variables.has(name), `${title}: $${name}`)
        }
      }
    }
  })
}

test('rules ask for metrics that there are', () => {
  for (const [name] of rules.matchAll(NAME)) assert.ok(names.has(name), name)
})
