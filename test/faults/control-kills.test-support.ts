import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ControlSite, onboarded, until } from '../../src/control/control-site.test-support.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { act, type Action, type Order } from './control-actions.test-support.ts'

const FIXTURE = fileURLToPath(new URL('control-process.fixture.ts', import.meta.url))
let victims = 0

/** How a control process ended: it was killed, or it had done its work before that. */
type Ending = 'killed' | 'passed'

/** Lets a control process work, and kills it at a point of its own or so many milliseconds later. */
export async function killProcess(
  site: ControlSite,
  work: Pick<Order, 'action' | 'tenant' | 'points' | 'killAt'>,
  laterMs?: number,
  executorId = `victim-${(victims += 1)}`,
): Promise<Ending> {
  const order: Order = {
    ...work,
    executorId,
    database: site.settings.rf_control,
    fake: site.fake,
    exportDirectory: join(site.directory, 'exports'),
    keys: { snapshot: site.keys.snapshot.privateJwk, job: site.keys.job.privateJwk },
  }
  const child = spawn(process.execPath, [FIXTURE], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += String(chunk)
  })
  child.stdin.end(JSON.stringify(order))
  try {
    if (laterMs !== undefined) {
      await Promise.race([once(child.stdout, 'data'), ended])
      await sleep(laterMs)
      child.kill('SIGKILL')
    }
    const [code, signal] = await ended
    assert.ok(said.startsWith('here\n'), `it ended before its work, with ${code} ${signal}`)
    assert.ok(!said.includes('failed'), said)
    if (signal === 'SIGKILL') return 'killed'
    assert.equal(code, 0)
    return 'passed'
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

/** Brings the tenant to where the action can begin. */
export async function arrange(plane: OpenControlPlane, action: Action, id: string): Promise<void> {
  if (action === 'onboard') return
  await onboarded(plane, id)
  if (action === 'resume') await finish(plane, 'suspend', id)
}

/** What somebody does who finds the process dead: asks again, and waits for others to finish it. */
export async function finish(plane: OpenControlPlane, action: Action, id: string): Promise<void> {
  const { id: workflow } = await act(plane, action, id)
  await until(async () => {
    const { state } = await plane.workflows.get(workflow)
    return state !== 'running' && state !== 'waiting'
  })
  const { state, error } = await plane.workflows.get(workflow)
  assert.equal(state, 'succeeded', `${workflow}: ${error}`)
}

const EXPECTED: Readonly<Record<Action, readonly [status: string, place: string]>> = {
  onboard: ['active', 'live pooled'],
  suspend: ['suspended', 'live pooled'],
  resume: ['active', 'live pooled'],
  move: ['active', 'live bridge'],
  offboard: ['erased', ''],
  export: ['active', 'live pooled'],
}

/** The tenant is whole, or gone without a trace; and everybody says the same. */
export async function expectWhole(
  site: ControlSite,
  plane: OpenControlPlane,
  action: Action,
  id: string,
): Promise<void> {
  const [status, place] = EXPECTED[action]
  assert.equal((await plane.tenants.get(parseTenantId(id))).status, status, id)
  const places = await site.askFake<{ place: string }>(
    `select state || ' ' || tier as place from fake.place where tenant = $1 order by 1`,
    [id],
  )
  assert.deepEqual(places.map((one) => one.place).join(), place, id)
  const leases = await site.askFake('select from fake.lease where tenant = $1 and ended is null', [
    id,
  ])
  assert.equal(leases.length, 0, `${id}: a lease is left`)
  const realms = await site.askFake<{ open: boolean }>(
    'select open from fake.realm where tenant = $1',
    [id],
  )
  assert.deepEqual(realms, status === 'erased' ? [] : [{ open: status === 'active' }], id)
  const published = await site.ask<{ status: string }>(
    `select config ->> 'status' as status from snapshot.tenant where id = $1`,
    [id],
  )
  assert.deepEqual(published, status === 'erased' ? [] : [{ status }], id)
}

/** No engine holds anything of a tenant that the registry does not call whole, and none was lost. */
export async function expectNoOrphans(
  site: ControlSite,
  tenants: readonly string[],
): Promise<void> {
  const known = await site.ask<{ id: string; status: string }>(
    'select id, status from registry.tenant',
  )
  const status = new Map(known.map((row) => [row.id, row.status]))
  for (const id of tenants) assert.ok(status.has(id), `${id} is lost`)
  const held = await site.askFake<{ tenant: string }>(
    `select tenant from fake.place union select tenant from fake.realm
     union select tenant from fake.lease where ended is null`,
  )
  for (const { tenant } of held) {
    assert.ok(['active', 'suspended'].includes(status.get(tenant) ?? ''), `${tenant} is an orphan`)
  }
  const underWay = await site.ask(
    `select id from registry.workflow where state in ('running', 'waiting')`,
  )
  assert.deepEqual(underWay, [])
}
