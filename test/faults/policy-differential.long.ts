import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareStores } from '../../src/policy/cedar/differential.test-support.ts'

/** Stores with 20 requests each. `STORES` and `SEED` choose others. */
const STORES = Number(process.env['STORES'] ?? 5_500)
const SEED = Number(process.env['SEED'] ?? 1_000_000)

test('100,000 generated decisions are those of Cedar, errors and reasons included', (t) => {
  const { pairs, allowed, withErrors, stricter, differences } = compareStores(SEED, STORES)
  t.diagnostic(
    `${pairs} pairs: ${allowed} allowed, ${withErrors} with errors, ${stricter} denied for a forbid that failed`,
  )
  assert.deepEqual(differences.slice(0, 20), [])
  assert.equal(pairs, STORES * 20)
})
