import assert from 'node:assert/strict'
import { z } from 'zod'
import type { AuditEntry } from '../src/audit/entry.ts'
import { eventually, type TrialPlatform } from './trial-platform.test-support.ts'

const TENANTS = ['acme', 'globex', 'initech'] as const
const pageSchema = z.object({
  items: z.array(z.object({ index: z.int(), entry: z.custom<AuditEntry>() })),
  next: z.string().optional(),
})
type Page = z.output<typeof pageSchema>

/** A tenant's whole log, as its auditor reads it at its own door. */
async function logOf(trial: TrialPlatform, tenant: string): Promise<Page['items']> {
  const token = await trial.token(tenant, ['auditor'])
  const items: Page['items'] = []
  for (let query = 'order=oldest&limit=500', more = true; more; ) {
    const answer = await trial.ask(tenant, `/ringfence/audit/entries?${query}`, token)
    assert.equal(answer.status, 200, await answer.clone().text())
    const page = pageSchema.parse(await answer.json())
    items.push(...page.items)
    query = `order=oldest&limit=500&cursor=${page.next}`
    more = page.next !== undefined
  }
  return items
}

/**
 * What was done to a tenant and in its name is in its own log, whichever process did it, and read by
 * its own auditors alone; and what is done while the records plane lies dead comes later, once.
 */
export async function keepsLogs(trial: TrialPlatform): Promise<void> {
  for (const tenant of TENANTS) {
    assert.equal((await trial.get(tenant, await trial.token(tenant))).status, 200)
    await eventually(`${tenant}'s log holds its onboarding and its leases`, async () => {
      const actions = (await logOf(trial, tenant)).map(({ entry }) => entry.action)
      return actions.includes('onboard.succeeded') && actions.includes('lease.granted')
    })
    const log = await logOf(trial, tenant)
    assert.deepEqual(
      log.map(({ index }) => index),
      [...log.keys()],
    )
    const text = JSON.stringify(log)
    for (const other of TENANTS) {
      assert.equal(
        text.includes(`"${other}"`),
        other === tenant,
        `${other} in the log of ${tenant}`,
      )
    }
  }
  const path = '/ringfence/audit/entries'
  assert.equal((await trial.ask('acme', path, await trial.token('acme'))).status, 403)
  assert.equal(
    (await trial.ask('acme', path, await trial.token('globex', ['auditor']))).status,
    401,
  )

  const before = await logOf(trial, 'globex')
  const records = trial.processes().find((pid) => trial.commandOf(pid).includes('serve\0records'))
  assert.ok(records)
  process.kill(records, 'SIGKILL')
  const here = ['--state', trial.state]
  const revoked = await trial.run('leases', 'revoke', 'globex', '--yes', ...here)
  assert.equal(revoked.code, 0, revoked.output)
  assert.equal((await trial.get('globex', await trial.token('globex'))).status, 200)
  await eventually('what was done meanwhile is in the log', async () => {
    const after = await logOf(trial, 'globex').catch(() => [])
    const news = after.slice(before.length).map(({ entry }) => entry.action)
    return news.includes('lease.granted')
  })
  await threeSidesAgree(trial)
  const platform = await trial.run(
    ...['audit', 'list', '--platform', '--category', 'lifecycle', '-o', 'json', ...here],
  )
  assert.equal(platform.code, 0, platform.output)
  assert.ok(TENANTS.every((tenant) => platform.output.includes(`"${tenant}"`)))
  const ids = (await logOf(trial, 'globex')).map(({ entry }) => entry.id)
  assert.equal(new Set(ids).size, ids.length)
}

/** What the gateway wrote down of a tenant's requests, and what was metered of them, is the same. */
async function threeSidesAgree(trial: TrialPlatform): Promise<void> {
  const period = new Date().toISOString().slice(0, 7)
  const asked = ['billing', 'reconcile', 'acme', '--period', period, '--json']
  await eventually('requests are in the files and metered', async () => {
    const { code, output } = await trial.run(...asked, '--state', trial.state)
    assert.equal(code, 0, output)
    const report = z
      .object({ logCompared: z.boolean(), logged: z.int(), matched: z.int(), metered: z.int() })
      .parse(JSON.parse(output))
    assert.equal(report.logCompared, true)
    return report.matched > 0 && report.matched === report.metered
  })
}
