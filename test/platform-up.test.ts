import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { tenantSchema } from '../src/control/api/schemas.ts'
import { inspectPlatform } from '../src/platform/inspect-platform.ts'
import { setsSinks } from './alert-sinks.test-support.ts'
import { delegates } from './delegates.test-support.ts'
import { keepsLogs } from './records.test-support.ts'
import { policiesBack } from './policies-back.test-support.ts'
import { securityIsTold, shutsOut } from './shuts-out.test-support.ts'
import {
  childrenOf,
  eventually,
  type TrialPlatform,
  trialPlatform,
} from './trial-platform.test-support.ts'

let trial: TrialPlatform

before(async () => {
  trial = await trialPlatform()
})
after(() => trial?.remove())

/** The postmaster of a cluster, from its pid file. */
function postmaster(cluster: string): number {
  const text = readFileSync(join(trial.state, cluster, 'data', 'postmaster.pid'), 'utf8')
  return Number(text.split('\n')[0])
}

/** A program that libpq's variables lead to its tenant's data, and that ends with a code of its own. */
const PROGRAM = `
  import pg from 'pg'
  const client = new pg.Client()
  await client.connect()
  const { rows } = await client.query('select current_user as login, count(*)::int as n from clinic.patient')
  console.log(JSON.stringify({ ...rows[0], password: process.env.PGPASSWORD ?? null }))
  await client.end()
  process.exitCode = 7`

/** `ringfence exec`: the program gets a login of this tenant, by files, and its exit code is ours. */
async function borrowsForAReason(): Promise<void> {
  // `pg` calls its own reading of password files deprecated; other clients do not.
  const flags = ['--no-deprecation', '--input-type=module', '-e', PROGRAM]
  const program = [process.execPath, ...flags]
  const exec = ['exec', '--tenant', 'acme', '--state', trial.state]
  // Nobody of this tenant is here to agree to it, and there is no second person yet.
  const alone = ['support', 'policy', 'acme', 'second-person', '--state', trial.state]
  assert.equal((await trial.run(...alone)).code, 0)
  const done = await trial.run(...exec, '--reason', 'ticket 4711', '--', ...program)
  assert.equal(done.code, 7, done.output)
  const { login, n, password } = JSON.parse(done.output) as Record<string, unknown>
  assert.match(String(login), /^rf_[0-9a-f]{32}_r\d$/)
  assert.deepEqual([n, password], [0, null])
  const without = await trial.run(...exec, '--', ...program)
  assert.equal(without.code, 2)
  assert.match(without.output, /--reason/)
  const nobody = ['exec', '--tenant', 'nobody', '--state', trial.state, '--reason', 'x']
  const refused = await trial.run(...nobody, '--', ...program)
  assert.equal(refused.code, 2, refused.output)
}

/** A program that works with its login until it loses it, and then ends with a code of its own. */
const UNTIL_LOST = `
  import pg from 'pg'
  const client = new pg.Client()
  client.on('error', () => {})
  await client.connect()
  try {
    for (;;) {
      await client.query('select count(*) from clinic.patient')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } catch {
    process.exitCode = 9
  }
  await client.end().catch(() => {})`

/** Access that is taken away ends under the hands of whoever works with it. */
async function losesWhatIsTakenBack(): Promise<void> {
  const flags = ['--no-deprecation', '--input-type=module', '-e', UNTIL_LOST]
  const here = ['--state', trial.state]
  const works = trial.run(
    ...['exec', '--tenant', 'acme', ...here, '--reason', 'ticket 4712', '--'],
    ...[process.execPath, ...flags],
  )
  const listed = ['support', 'list', '--status', 'active', '-o', 'json', ...here]
  let id = ''
  await eventually('the access is active, and a lease was given for it', async () => {
    const active: { id: string }[] = JSON.parse((await trial.run(...listed)).output)
    id = active[0]?.id ?? ''
    const leases = await trial.run('leases', 'list', 'acme', '-o', 'json', ...here)
    const held: { holder: string; ended_at: string | null }[] = JSON.parse(leases.output)
    const theirs = held.some((one) => one.holder === 'ringfence-operator' && one.ended_at === null)
    return id !== '' && theirs
  })
  const taken = await trial.run('support', 'revoke', id, '--why', 'not this one', ...here)
  assert.equal(taken.code, 0, taken.output)
  const done = await works
  assert.equal(done.code, 9, done.output)
}

/** A `ringfence` command against the trial, and the JSON that it wrote. */
async function told(...args: readonly string[]): Promise<unknown> {
  const { code, output, out } = await trial.run(...args, '--state', trial.state, '-o', 'json')
  assert.equal(code, 0, output)
  return JSON.parse(out)
}

async function liveLeases(): Promise<readonly unknown[]> {
  const leases = (await told('leases', 'list', 'acme')) as { ended_at: string | null }[]
  return leases.filter((lease) => lease.ended_at === null)
}

/** What a directory's source sends when somebody has left, and what is open to them from then on. */
async function deprovisionedBySource(t: TestContext): Promise<void> {
  const token = await trial.token('acme')
  const { iss, sub } = decodeJwt(token)
  assert.equal((await trial.get('acme', token)).status, 200)
  assert.notEqual((await liveLeases()).length, 0)
  const { secret } = (await told('scim-tokens', 'create', 'acme', 'source')) as { secret: string }
  const source = async (active: boolean) => {
    const answer = await fetch(`${iss}/scim/v2/Users/${sub}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/scim+json' },
      body: JSON.stringify({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', path: 'active', value: active }],
      }),
    })
    assert.ok(answer.ok, `${answer.status} ${await answer.text()}`)
  }
  await source(false)
  const answered = performance.now()
  // The token is good for minutes yet, as far as its signature goes.
  await eventually('the token opens nothing', async () => {
    const { status } = await trial.get('acme', token)
    return status === 401
  })
  t.diagnostic(
    `refused ${Math.round(performance.now() - answered)} ms after the source was answered`,
  )
  await eventually('no lease is left', async () => (await liveLeases()).length === 0)
  await source(true)
}

describe('a platform that is up', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  test('serves each tenant through the front door, and a cell that dies is started again', async (t) => {
    const { child, output, exited } = await trial.up()
    const tenants = await trial.client().list('/v1/tenants', tenantSchema)
    assert.deepEqual(
      tenants.map(({ id, status }) => `${id} ${status}`),
      ['acme active', 'globex active', 'initech active'],
    )
    const findings = await inspectPlatform(trial.state)
    assert.deepEqual(
      findings.filter(({ severity }) => severity !== 'info'),
      [],
    )
    const token = await trial.token('acme')
    assert.equal((await trial.get('acme', token)).status, 200)
    assert.equal((await trial.get('globex', token)).status, 401)
    await borrowsForAReason()
    await losesWhatIsTakenBack()
    // The application holds a lease of a tenant with a server of its own.
    assert.equal((await trial.get('initech', await trial.token('initech'))).status, 200)
    await t.test('each tenant’s log holds what was done to it, and it alone reads it', () =>
      keepsLogs(trial),
    )
    await t.test('a tenant is told where it says, and not by what the platform itself serves', () =>
      setsSinks(trial),
    )
    await t.test(
      'a user who is deprovisioned by SCIM is served nowhere, and nothing lent on its behalf lasts',
      deprovisionedBySource,
    )
    await t.test('a principal of one tenant works at another under a grant, and no further', () =>
      delegates(trial),
    )
    await t.test('whoever tries tokens is shut out, and let in again by an operator', () =>
      shutsOut(trial),
    )
    await t.test('policies that keep everybody out are rolled back on the command line', () =>
      policiesBack(trial),
    )
    const before = postmaster('cells/eu-1/cluster')
    process.kill(before, 'SIGKILL')
    for (const tenant of ['acme', 'initech']) {
      await eventually(`${tenant} is served again`, async () => {
        const { status } = await trial.get(tenant, await trial.token(tenant))
        return status === 200 && postmaster('cells/eu-1/cluster') !== before
      })
    }
    await securityIsTold(trial)
    assert.match(output(), /eu-1 +\| .*starting again in \d+ ms/)
    child.kill('SIGTERM')
    assert.equal(await exited, 0)
    assert.deepEqual(trial.processes(), [])
    // In reverse order of the start: what others depend on goes last.
    const stopped = [...output().matchAll(/^(\S+) +\| stopped$/gm)].map((match) => match[1] ?? '')
    const place = (name: string) => stopped.indexOf(name)
    assert.equal(stopped.length, 8, stopped.join(' '))
    assert.ok(place('clinic') < place('vending') && place('vending') < place('eu-1'))
    assert.ok(place('control') < place('identity') && place('identity') < place('database'))
  })

  test('serves while the control plane and its database stand still, and no request fails', async () => {
    const { child, exited } = await trial.up()
    const tokens = { acme: await trial.token('acme'), globex: await trial.token('globex') }
    const database = postmaster('control')
    const control = trial.processes().find((pid) => trial.commandOf(pid).includes('serve\0control'))
    assert.ok(control)
    const still = [control, database, ...childrenOf(database)]
    for (const pid of still) process.kill(pid, 'SIGSTOP')
    try {
      const statuses = new Map<number, number>()
      const one = async (index: number) => {
        const tenant = index % 2 === 0 ? 'acme' : 'globex'
        const { status } = await trial.get(tenant, tokens[tenant])
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
      for (let round = 0; round < 20; round += 1) {
        await Promise.all(Array.from({ length: 10 }, (_, index) => one(index)))
      }
      assert.deepEqual([...statuses], [[200, 200]])
    } finally {
      for (const pid of still) process.kill(pid, 'SIGCONT')
    }
    child.kill('SIGTERM')
    assert.equal(await exited, 0)
    assert.deepEqual(trial.processes(), [])
  })

  test('starts again after kill -9, with its tenants, over the servers that were left', async () => {
    const first = await trial.up()
    first.child.kill('SIGKILL')
    await first.exited
    const second = await trial.up()
    assert.equal((await trial.get('globex', await trial.token('globex'))).status, 200)
    second.child.kill('SIGINT')
    assert.equal(await second.exited, 0)
    assert.deepEqual(trial.processes(), [])
  })

  test('does not run twice on one directory: the second says so and changes nothing', async () => {
    const { child, exited } = await trial.up()
    await assert.rejects(trial.up(), /ended before it was ready:[\s\S]*ringfence: trial is in use/)
    assert.equal((await trial.get('acme', await trial.token('acme'))).status, 200)
    child.kill('SIGTERM')
    await exited
    assert.deepEqual(trial.processes(), [])
  })
})
