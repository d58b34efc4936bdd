import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditLedger } from '../../src/boundaries/postgres/leases/audit-ledger.test-support.ts'
import { startTestSite, tenant } from '../../src/boundaries/postgres/test-site.test-support.ts'
import { canMount } from '../../src/clusters/scratch.test-support.ts'
import { until } from '../../src/core/until.test-support.ts'
import { Journal } from '../../src/journal/journal.ts'
import { linesOf } from '../../src/journal/lines-of.test-support.ts'
import {
  ask,
  contextOf,
  type Given,
  openWorld,
  readJournal,
} from '../../src/vending/world.test-support.ts'
import { smallDisk } from './small-disk.test-support.ts'

const ROUNDS = 40
const CALLERS = 8
const TENANTS = ['acme', 'globex', 'umbrella'] as const
const SCOPES = ['read', 'write'] as const
const SOURCE = '/ringfence/vending/v1'

const oneOf = <T>(all: readonly T[]): T | undefined => all[Math.floor(Math.random() * all.length)]

if (canMount()) {
  test(`vending’s disk is full ${ROUNDS} times under load: each lease that lives at the engine is one that somebody was told of, and is written down and used once`, async (t) => {
    const closing: (() => Promise<void>)[] = []
    t.after(async () => {
      for (const close of closing.reverse()) await close()
    })
    const place = await startTestSite()
    closing.push(() => place.stop())
    for (const id of TENANTS) await place.provision(id)
    const ledger = await place.admin(place.names.custodyDatabase)
    const disk = smallDisk(t, 128)
    const directory = join(disk.path, 'journal')
    const journal = await Journal.open({ directory, tryAgainMs: 10 })
    const world = await openWorld({
      ...{ journal, usageSource: SOURCE, leaserOf: () => place.boundary },
    })
    closing.push(
      () => journal.close(),
      () => world.vending.close(),
    )
    const told = new Set<string>()
    const ends = new Set<string>()
    const answers = { given: 0, refused: 0 }
    const exchange = async (id: string) => {
      const scope = id === 'umbrella' ? 'read' : (oneOf(SCOPES) ?? 'read')
      const subject_token = await contextOf(id)
      const response = await ask(world, { fields: { scope, subject_token } })
      if (response.status !== 200) {
        answers.refused += 1
        assert.ok([429, 503].includes(response.status), await response.text())
        return
      }
      answers.given += 1
      told.add(((await response.json()) as Given).lease_id)
    }
    const revoke = async (id: string) => {
      const lease_id = oneOf([...told]) ?? ''
      ends.add(lease_id)
      const subject_token = await contextOf(id)
      await ask(world, { path: '/v1/leases/revoke', fields: { lease_id, subject_token } })
    }
    const done = new AbortController()
    const callers = Array.from({ length: CALLERS }, async (_, n) => {
      while (!done.signal.aborted) {
        const id = TENANTS[n % TENANTS.length] ?? 'acme'
        await (Math.random() < 0.2 ? revoke(id) : exchange(id))
        await sleep(5)
      }
    })
    const load = Promise.all(callers)
    const isReady = async () => (await world.vending.app.request('/readyz')).status === 200
    const round = async () => {
      await sleep(Math.random() * 80)
      const { refused } = answers
      disk.fill()
      await until(() => answers.refused > refused)
      await sleep(Math.random() * 50)
      disk.free()
      await until(isReady)
      const { given } = answers
      await until(() => answers.given > given)
      assert.deepEqual(await auditLedger(ledger, place.names), [])
    }
    try {
      for (let n = 0; n < ROUNDS; n += 1) await Promise.race([round(), load])
    } finally {
      done.abort()
      await load
    }
    await world.vending.settled()
    assert.ok(answers.refused > 0)
    const own = readJournal(directory)
    const granted = own.flatMap(({ act, lease_id }) => (act === 'grant' ? [lease_id] : []))
    assert.deepEqual(new Set(granted), told)
    const used = linesOf(directory).flatMap(({ kind, value }) =>
      kind === 'usage' && 'id' in value ? [String(value.id)] : [],
    )
    assert.equal(used.length, told.size)
    assert.deepEqual(new Set(used), told)
    for (const id of TENANTS) {
      for (const { lease_id, ended_at } of await place.boundary.leases(tenant(id))) {
        assert.ok(ended_at !== undefined || told.has(lease_id), 'nobody knows of it')
      }
    }
    t.diagnostic(
      `${told.size} leases, ${answers.given} times given, ${answers.refused} refusals, ${ends.size} asked to end`,
    )
  })
}
