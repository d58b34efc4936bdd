import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { planData } from './data-spec.ts'

const platform = z
  .object({
    spec: z.object({
      cells: z.array(z.object({ name: z.string(), region: z.string() })),
      tenants: z.array(
        z.object({ id: z.string(), tier: z.string(), region: z.string(), data: z.unknown() }),
      ),
    }),
  })
  .parse(parse(readFileSync(join(import.meta.dirname, '..', 'platform.yaml'), 'utf8')))

test('the demo platform has 200,000 appointments of at least six tenants, on three tiers and in two regions', () => {
  const { cells, tenants } = platform.spec
  const plans = tenants.map(({ data }) => planData(data))
  assert.equal(
    plans.reduce((sum, plan) => sum + plan.appointments, 0),
    200_000,
  )
  assert.ok(tenants.length >= 6)
  assert.deepEqual(new Set(tenants.map(({ tier }) => tier)), new Set(['pooled', 'bridge', 'silo']))
  assert.equal(new Set(plans.map(({ seed }) => seed)).size, tenants.length)
  const regions = new Set(tenants.map(({ region }) => region))
  assert.equal(regions.size, 2)
  assert.deepEqual(new Set(cells.map(({ region }) => region)), regions)
})

for (const [what, spec] of [
  ['no seed', { appointments: 10 }],
  ['no appointments', { seed: 1, appointments: 0 }],
  ['SQL for a time zone', { seed: 1, appointments: 10, timeZone: "UTC'; drop table x" }],
  ['a word for a number', { seed: '1', appointments: 10 }],
  ['an anchor that is no date', { seed: 1, appointments: 10, anchor: 'today' }],
  ['an unknown field', { seed: 1, appointments: 10, patients: 3 }],
] as const) {
  test(`a specification with ${what} is refused`, () => {
    assert.throws(() => planData(spec), z.ZodError)
  })
}
