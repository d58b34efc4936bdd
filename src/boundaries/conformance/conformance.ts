import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credential } from '../../core/lease.ts'
import { type Tier, TIERS } from '../../core/tenant.ts'
import type { Boundary } from '../boundary.ts'
import { ERASE_OBLIGATIONS } from './erase.ts'
import { EXPORT_OBLIGATIONS } from './export.ts'
import { LEASE_OBLIGATIONS } from './leases.ts'
import { MOVE_OBLIGATIONS } from './move.ts'
import { PROVISION_OBLIGATIONS } from './provision.ts'
import { REVOKE_OBLIGATIONS } from './revoke.ts'
import { SMOKE_OBLIGATIONS } from './smoke.ts'
import type { ConformanceSubject } from './subject.ts'
import { startTrial } from './trial.ts'

export type { ConformanceSession, ConformanceSubject } from './subject.ts'

export interface ConformanceOptions {
  /** Tiers to try in turn, when not all: moves go to all others nevertheless. */
  readonly tiers?: readonly Tier[]
}

/**
 * The suite that every boundary passes: one test for each obligation that `boundary.ts` states, on
 * each of the boundary's tiers. It registers one test of `node:test`, named `name`.
 *
 * @example
 * boundaryConformance('my engine', async () => ({ boundary, connect, outage, close }))
 */
export function boundaryConformance<C extends Credential>(
  name: string,
  makeSubject: () => Promise<ConformanceSubject<C>>,
  options: ConformanceOptions = {},
): void {
  test(`${name} keeps every obligation of a boundary`, async (t) => {
    const subject = await makeSubject()
    t.after(() => subject.close())
    const { boundary } = subject
    await t.test('it names itself, its tiers, its attacks and its mutants', () => {
      describesItself(boundary)
    })
    await t.test('inspecting twice says the same in the same order', async () => {
      assert.deepEqual(await boundary.inspect(), await boundary.inspect())
    })
    for (const tier of options.tiers ?? boundary.tiers) {
      await t.test(`tier ${tier}`, async (t) => {
        const trial = await startTrial(subject, tier)
        for (const { title, check } of OBLIGATIONS) await t.test(title, () => check(trial))
      })
    }
  })
}

const OBLIGATIONS = [
  ...PROVISION_OBLIGATIONS,
  ...LEASE_OBLIGATIONS,
  ...REVOKE_OBLIGATIONS,
  ...EXPORT_OBLIGATIONS,
  ...ERASE_OBLIGATIONS,
  ...MOVE_OBLIGATIONS,
  ...SMOKE_OBLIGATIONS,
]

function describesItself(boundary: Boundary): void {
  assert.notEqual(boundary.engine, '')
  assert.ok(boundary.tiers.length > 0)
  for (const list of [boundary.attacks(), boundary.mutants()]) {
    assert.ok(list.length > 0)
    assert.equal(new Set(list.map((one) => one.id)).size, list.length, 'an id is there twice')
    for (const { id, tiers } of list) {
      assert.ok(tiers.length > 0 && tiers.every((tier) => TIERS.includes(tier)), id)
    }
  }
}
