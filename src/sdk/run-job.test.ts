import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tenantNamed } from './platform.test-support.ts'
import { runJob } from './run-job.ts'

const items = ['ash', 'birch', 'cedar', 'doum', 'elm'].map((id) => ({ tenant: tenantNamed(id) }))
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a tenant that fails does not stop the others, and the report says which', async () => {
  const report = await runJob(items, async ({ tenant }) => {
    if (tenant === 'birch') throw new RangeError('of birch')
    return tenant.length
  })
  assert.deepEqual([report.done, report.failed, report.skipped], [4, 1, 0])
  assert.deepEqual(
    report.outcomes.map(({ tenant, state }) => [tenant, state]),
    items.map(({ tenant }) => [tenant, tenant === 'birch' ? 'failed' : 'done']),
  )
  assert.ok(
    report.outcomes[1]?.state === 'failed' && report.outcomes[1].error instanceof RangeError,
  )
})

test('no more tenants are worked on at a time than was said', async () => {
  let now = 0
  let most = 0
  const work = async () => {
    now += 1
    most = Math.max(most, now)
    await settled()
    now -= 1
  }
  await runJob(items, work, { concurrency: 2 })
  assert.equal(most, 2)
  await assert.rejects(runJob(items, work, { concurrency: 0 }), { code: 'invalid_argument' })
})

test('a job that is stopped finishes what it began and skips the rest', async () => {
  const stop = new AbortController()
  const report = await runJob(
    items,
    async ({ tenant }) => {
      if (tenant === 'birch') stop.abort()
    },
    { concurrency: 1, signal: stop.signal },
  )
  assert.deepEqual([report.done, report.skipped], [2, 3])
})

test('each outcome is told as it comes, and an error there ends the job', async () => {
  const told: string[] = []
  const telling = runJob(items, settled, {
    concurrency: 1,
    onOutcome: ({ tenant }) => {
      told.push(tenant)
      if (told.length === 2) throw new RangeError('enough')
    },
  })
  await assert.rejects(telling, RangeError)
  assert.deepEqual(told, ['ash', 'birch'])
})
