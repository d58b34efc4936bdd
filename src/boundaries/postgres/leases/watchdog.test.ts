import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Budget, BUDGET_DEFAULT } from './budget.ts'
import { overBudget, type SessionActivity } from './watchdog.ts'

const MIB = 1024 * 1024
const tenantOf = (role: string) => role.slice(0, 1)

const session = (given: Partial<SessionActivity> = {}): SessionActivity => ({
  pid: 1,
  role: 'a0',
  startedAt: new Date(0),
  started: '',
  state: 'active',
  statementSeconds: 0,
  transactionSeconds: 0,
  idleSeconds: 0,
  tempBytes: 0,
  memoryKiB: 1000,
  blocksOthers: false,
  exporting: false,
  ...given,
})

const judge = (given: Partial<SessionActivity>, budget: Partial<Budget> = {}) => {
  const endings = overBudget([session(given)], { ...BUDGET_DEFAULT, ...budget }, tenantOf)
  assert.ok(endings.length <= 1)
  return endings[0]?.what
}

test('a statement over its time is cancelled, over twice its time its session is ended', () => {
  assert.equal(judge({ statementSeconds: 30 }), undefined)
  assert.equal(judge({ statementSeconds: 30.1 }), 'statement')
  assert.equal(judge({ statementSeconds: 60 }), 'statement')
  assert.equal(judge({ statementSeconds: 60.1 }), 'session')
})

test('a transaction left open and a session left alone are ended', () => {
  for (const state of ['idle in transaction', 'idle in transaction (aborted)']) {
    assert.equal(judge({ state, idleSeconds: 60 }), undefined)
    assert.equal(judge({ state, idleSeconds: 61 }), 'session')
  }
  assert.equal(judge({ state: 'idle', idleSeconds: 600 }), undefined)
  assert.equal(judge({ state: 'idle', idleSeconds: 601 }), 'session')
})

test('a transaction may not stay open for ever, however busy it is', () => {
  assert.equal(judge({ transactionSeconds: 300 }), undefined)
  assert.equal(judge({ transactionSeconds: 301 }), 'session')
})

test('a lock in the way of others is given some seconds', () => {
  assert.equal(judge({ blocksOthers: true, transactionSeconds: 5 }), undefined)
  assert.equal(judge({ blocksOthers: true, transactionSeconds: 6 }), 'session')
})

test('memory is judged where it is known', () => {
  assert.equal(judge({ memoryKiB: 256 * 1024 }), undefined)
  assert.equal(judge({ memoryKiB: 256 * 1024 + 1 }), 'session')
  assert.equal(judge({ memoryKiB: undefined }), undefined)
})

test('an export takes as long as its sink, but no more memory or others’ time than any session', () => {
  const exporting = { exporting: true, statementSeconds: 9e5, idleSeconds: 9e5 }
  for (const state of ['active', 'idle in transaction', 'idle']) {
    assert.equal(judge({ ...exporting, state }), undefined)
  }
  assert.equal(judge({ ...exporting, memoryKiB: 9e9 }), 'session')
  assert.equal(judge({ ...exporting, blocksOthers: true, transactionSeconds: 9e5 }), 'session')
})

test('of too many connections the youngest are ended, whichever login they use', () => {
  const sessions = Array.from({ length: 6 }, (_, index) =>
    session({ pid: index, role: `a${index % 2}`, startedAt: new Date(1000 * ((index * 5) % 6)) }),
  )
  const other = session({ pid: 99, role: 'b0', startedAt: new Date(9_000_000) })
  const budget = { ...BUDGET_DEFAULT, connections: 4 }
  const endings = overBudget([...sessions, other], budget, tenantOf)
  const started = endings.map((ending) => ending.session.startedAt.getTime())
  assert.deepEqual(started.toSorted(), [4000, 5000])
  assert.ok(endings.every((ending) => ending.what === 'session'))
})

test('temporary files are a tenant’s together, and the hungriest session goes', () => {
  const sessions = [200, 250, 100].map((size, pid) => session({ pid, tempBytes: size * MIB }))
  const budget = { ...BUDGET_DEFAULT, tempMiB: 512 }
  const endings = overBudget(sessions, budget, tenantOf)
  assert.deepEqual(
    endings.map((ending) => ending.session.pid),
    [1],
  )
  const two = [session({ pid: 1, tempBytes: 300 * MIB })]
  const apart = [...two, session({ pid: 2, role: 'b0', tempBytes: 300 * MIB })]
  assert.deepEqual(overBudget(apart, budget, tenantOf), [])
})

const seconds = fc.double({ min: 0, max: 2000, noNaN: true })
const sessions = fc
  .array(
    fc.record({
      role: fc.constantFrom('a0', 'a1', 'b0', 'c1'),
      startedAt: fc.date({ noInvalidDate: true }),
      started: fc.constant(''),
      state: fc.constantFrom('active', 'idle', 'idle in transaction', 'disabled', ''),
      statementSeconds: seconds,
      transactionSeconds: seconds,
      idleSeconds: seconds,
      tempBytes: fc.integer({ min: 0, max: 600 * MIB }),
      memoryKiB: fc.option(fc.integer({ min: 0, max: 400 * 1024 }), { nil: undefined }),
      blocksOthers: fc.boolean(),
      exporting: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((list) => list.map((one, pid): SessionActivity => ({ ...one, pid })))

test('no session is named twice, and every reason is given', () => {
  fc.assert(
    fc.property(sessions, (list) => {
      const endings = overBudget(list, BUDGET_DEFAULT, tenantOf)
      const pids = endings.map((ending) => ending.session.pid)
      assert.equal(new Set(pids).size, pids.length)
      for (const { session, why } of endings) assert.ok(list.includes(session) && why !== '')
    }),
  )
})

test('a tenant within its budget loses nothing, whatever the others do', () => {
  fc.assert(
    fc.property(sessions, (list) => {
      const modest = session({ pid: -1, role: 'm0' })
      const endings = overBudget([...list, modest], BUDGET_DEFAULT, tenantOf)
      assert.ok(endings.every((ending) => ending.session !== modest))
      const alone = overBudget(list, BUDGET_DEFAULT, tenantOf)
      assert.equal(endings.length, alone.length)
    }),
  )
})

test('when what is named is ended, connections are within the budget', () => {
  fc.assert(
    fc.property(sessions, fc.integer({ min: 1, max: 10 }), (list, connections) => {
      const budget = { ...BUDGET_DEFAULT, connections }
      const ended = new Set(
        overBudget(list, budget, tenantOf)
          .filter((ending) => ending.what === 'session')
          .map((ending) => ending.session),
      )
      const left = list.filter((one) => !ended.has(one))
      for (const group of Map.groupBy(left, (one) => tenantOf(one.role)).values()) {
        assert.ok(group.length <= connections)
      }
    }),
  )
})

test('a larger budget never ends more sessions for their own time and memory', () => {
  fc.assert(
    fc.property(sessions, fc.double({ min: 1, max: 10, noNaN: true }), (list, factor) => {
      const wide = { ...BUDGET_DEFAULT, connections: 1000, tempMiB: 1e9 }
      const wider = {
        ...wide,
        statementSeconds: wide.statementSeconds * factor,
        idleInTransactionSeconds: wide.idleInTransactionSeconds * factor,
        transactionSeconds: wide.transactionSeconds * factor,
        idleSeconds: wide.idleSeconds * factor,
        blockingSeconds: wide.blockingSeconds * factor,
        sessionMemoryMiB: wide.sessionMemoryMiB * factor,
      }
      const named = new Set(overBudget(list, wide, tenantOf).map((ending) => ending.session))
      for (const { session } of overBudget(list, wider, tenantOf)) assert.ok(named.has(session))
    }),
  )
})
