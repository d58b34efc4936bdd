import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PiiKind } from '../src/contracts/guardrail.ts'
import { measure } from './data/pii/measure.ts'

/** What docs/guardrails.md says, a little rounded down: precision and recall. */
const FLOORS: Readonly<Record<PiiKind, readonly [precision: number, recall: number]>> = {
  ssn: [0.99, 0.92],
  card: [0.99, 0.99],
  phone: [0.99, 0.92],
  email: [0.99, 0.99],
  iban: [0.99, 0.99],
  mrn: [0.98, 0.92],
  npi: [0.99, 0.9],
  'birth-date': [0.99, 0.93],
  name: [0.98, 0.88],
}

for (const [kind, [precision, recall]] of Object.entries(FLOORS)) {
  test(`${kind} is found in the labelled set as well as the documentation says`, () => {
    const figures = measure(kind as PiiKind)
    assert.ok(figures.positives > 100 && figures.negatives > 100)
    assert.ok(figures.precision >= precision, `precision ${figures.precision}`)
    assert.ok(figures.recall >= recall, `recall ${figures.recall}`)
  })
}
