import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RingfenceError } from '../core/errors.ts'
import { TENANT_STATUSES, type TenantStatus } from './control-plane.ts'
import { checkTransition, TRANSITIONS } from './tenant-status.ts'

const status = fc.constantFrom(...TENANT_STATUSES)

function allowed(from: TenantStatus, to: TenantStatus): boolean {
  try {
    checkTransition(from, to)
    return true
  } catch (error) {
    assert.ok(error instanceof RingfenceError && error.code === 'conflict')
    return false
  }
}

/** Where a tenant can be after some changes, each of which was allowed. */
function walk(from: TenantStatus, wishes: readonly TenantStatus[]): readonly TenantStatus[] {
  const path = [from]
  for (const to of wishes) if (allowed(path.at(-1) ?? from, to)) path.push(to)
  return path
}

test('a status follows another only if the table says so', () => {
  fc.assert(
    fc.property(status, status, (from, to) => {
      assert.equal(allowed(from, to), TRANSITIONS[from].includes(to))
    }),
  )
})

test('a tenant is never active without having been provisioned since it was requested', () => {
  fc.assert(
    fc.property(fc.array(status, { maxLength: 30 }), (wishes) => {
      const path = walk('requested', wishes)
      const active = path.indexOf('active')
      if (active >= 0) assert.ok(path.slice(0, active).includes('provisioning'))
    }),
  )
})

test('a tenant that was placed is erased only by an offboarding', () => {
  fc.assert(
    fc.property(fc.array(status, { maxLength: 30 }), (wishes) => {
      const path = walk('requested', wishes)
      for (const [index, one] of path.entries()) {
        if (one !== 'erased') continue
        assert.ok(['offboarding', 'requested'].includes(path[index - 1] ?? ''))
      }
    }),
  )
})

test('from every status there is a way to the end', () => {
  for (const from of TENANT_STATUSES) {
    const reached = new Set<TenantStatus>([from])
    for (const one of reached) for (const to of TRANSITIONS[one]) reached.add(to)
    assert.ok(reached.has('erased'), from)
  }
})
