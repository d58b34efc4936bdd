import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ControlSite, onboarded, until } from '../../src/control/control-site.test-support.ts'
import type { OpenControlPlane } from '../../src/control/open-control-plane.ts'
import { parseTenantId } from '../../src/core/tenant.ts'
import { act, type Action, ACTIONS, type Order } from './control-actions.test-support.ts'

const FIXTURE = fileURLToPath(new URL('control-process.fixture.ts', import.meta.url))
/** Victims that work at the same time. */
const AT_ONCE = 3
/** By then most victims have done their work. */
const LATEST_MS = 250
/** Victims for one point, if it is not come to. */
const ATTEMPTS = 10
let victims = 0

/** How a control process ended: at which point it was when it had done its work, if it came to that. */
interface Ending {
  readonly killed: boolean
  readonly points: number
}

/** Lets a control process work, and kills it at a point of its own or so many milliseconds later. */
export async function killProcess(
  site: ControlSite,
  work: Pick<Order, 'action' | 'tenant' | 'points' | 'killAt' | 'keeper'>,
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
    if (signal === 'SIGKILL') return { killed: true, points: 0 }
    assert.equal(code, 0)
    return { killed: false, points: Number(/passed (\d+)/.exec(said)?.[1]) }
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
export async function finish(
  plane: OpenControlPlane,
  action: Action,
  id: string,
  log: readonly string[] = [],
): Promise<void> {
  const { id: workflow } = await act(plane, action, id)
  await until(async () => {
    const { state } = await plane.workflows.get(workflow)
    return state !== 'running' && state !== 'waiting'
  })
  const { state, error } = await plane.workflows.get(workflow)
  assert.equal(state, 'succeeded', `${workflow}: ${error}\n${log.slice(-5).join('\n')}`)
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

/**
 * Counts the points of an action in a process that may do its work, and then kills one process at each
 * of them. Returns the tenants that they worked on, one for each kill.
 */
export async function killAtEveryPoint(
  site: ControlSite,
  survivor: OpenControlPlane,
  action: Action,
  points: Order['points'],
): Promise<readonly string[]> {
  const kill = async (tenant: string, killAt?: number): Promise<Ending> => {
    await arrange(survivor, action, tenant)
    const order = { action, tenant, points, ...(killAt === undefined ? {} : { killAt }) }
    const ending = await killProcess(site, order)
    await finish(survivor, action, tenant, site.log)
    await expectWhole(site, survivor, action, tenant)
    return ending
  }
  const calm = await kill(`${action}-${points}-calm`)
  assert.ok(!calm.killed && calm.points > 0)
  const worked: string[] = []
  let next = 1
  await atOnce(async () => {
    while (next <= calm.points) {
      const killAt = next++
      for (let attempt = 1; ; attempt += 1) {
        // On a busy machine a slow process is taken for dead, and another one does its work.
        assert.ok(attempt <= ATTEMPTS, `never came to point ${killAt}`)
        const tenant = `${action}-${points}-${killAt}-${attempt}`
        if (!(await kill(tenant, killAt)).killed) continue
        worked.push(tenant)
        break
      }
    }
  })
  return worked
}

/** Kills as many processes at moments that nobody chose, each at one of the actions. */
export async function killAtRandomMoments(
  site: ControlSite,
  survivor: OpenControlPlane,
  kills: number,
): Promise<readonly string[]> {
  const worked: string[] = []
  let left = kills
  await atOnce(async () => {
    while (left-- > 0) {
      const action = ACTIONS[victims % ACTIONS.length] ?? 'onboard'
      const tenant = `random-${victims}-${left}`
      await arrange(survivor, action, tenant)
      await killProcess(site, { action, tenant, points: 'ports' }, Math.random() * LATEST_MS)
      await finish(survivor, action, tenant, site.log)
      await expectWhole(site, survivor, action, tenant)
      worked.push(tenant)
    }
  })
  return worked
}

async function atOnce(work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}
