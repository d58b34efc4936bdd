import assert from 'node:assert/strict'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import type { TenantId } from '../core/tenant.ts'
import { type ServedControl, servedControl } from './served-control.test-support.ts'

const json = (text: string) => JSON.parse(text)

async function withAcme(control: ServedControl): Promise<void> {
  const { code, err } = await control.run(
    'tenants',
    'create',
    'acme',
    '--region',
    'eu-west',
    '--wait',
  )
  assert.equal(code, 0, err)
}

describe('ringfence tenants', () => {
  test('create --wait shows each step, and ends with 0 when the tenant is active', async (t) => {
    const control = await servedControl(t)
    const { code, out, err } = await control.run(
      'tenants',
      'create',
      'acme',
      '--region',
      'eu-west',
      '--name',
      'Acme Clinic',
      '--host',
      'a.example',
      '--host',
      'b.example',
      '--wait',
    )
    assert.equal(code, 0)
    for (const step of ['place', 'provision', 'smoke'])
      assert.match(err, new RegExp(`${step} +done`))
    assert.match(out, /state +succeeded/)
    const got = json((await control.run('tenants', 'get', 'acme', '-o', 'json')).out)
    assert.equal(got.status, 'active')
    assert.equal(got.display_name, 'Acme Clinic')
    assert.deepEqual(got.hosts, ['a.example', 'b.example'])
  })

  test('create without --wait returns at once with what began', async (t) => {
    const control = await servedControl(t)
    control.plane.automatic = false
    const { code, out } = await control.run('tenants', 'create', 'acme', '--region', 'eu-west')
    assert.equal(code, 0)
    assert.match(out, /state +running/)
  })

  test('a workflow that fails ends with 1 and says where and why', async (t) => {
    const control = await servedControl(t)
    control.plane.automatic = false
    const waiting = control.run('tenants', 'create', 'acme', '--region', 'eu-west', '--wait')
    while (control.plane.workflowsById.size === 0) await new Promise(setImmediate)
    const [id] = control.plane.workflowsById.keys()
    control.plane.fail(id ?? '', 'the cell does not answer')
    const { code, out, err } = await waiting
    assert.equal(code, 1)
    assert.match(err, /place +failed +the cell does not answer/)
    assert.match(out, /error +the cell does not answer/)
  })

  test('--wait goes on where it was when its stream is cut off, again and again', async (t) => {
    const control = await servedControl(t, { streamMsMax: 30 })
    control.plane.automatic = false
    const waiting = control.run('tenants', 'create', 'acme', '--region', 'eu-west', '--wait')
    for (let steps = 0; steps < 3; steps += 1) {
      const before = control.requests.filter((line) => line.endsWith('events 200')).length
      while (control.requests.filter((line) => line.endsWith('events 200')).length < before + 1) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      const [id] = control.plane.workflowsById.keys()
      control.plane.step(id ?? '')
    }
    const { code, err } = await waiting
    assert.equal(code, 0)
    assert.equal([...err.matchAll(/provision +done/g)].length, 1)
    assert.ok(control.requests.filter((line) => line.endsWith('events 200')).length >= 3)
  })

  test('--timeout gives up waiting with 2, and the workflow goes on', async (t) => {
    const control = await servedControl(t)
    control.plane.automatic = false
    const create = ['tenants', 'create', 'acme', '--region', 'eu-west', '--wait', '--timeout', '1']
    const { code, err } = await control.run(...create)
    assert.equal(code, 2)
    assert.match(err, /the workflow goes on/)
    assert.equal([...control.plane.workflowsById.values()][0]?.state, 'running')
  })

  test('the whole life: suspend, resume, move, export, delete --purge, receipt, history', async (t) => {
    const control = await servedControl(t)
    await withAcme(control)
    for (const args of [
      ['suspend', 'acme', '--why', 'unpaid', '--yes', '--wait'],
      ['resume', 'acme', '--wait'],
      ['move', 'acme', '--to', 'silo', '--wait'],
      ['export', 'acme', '--wait'],
      ['update', 'acme', '--legal-hold', 'on'],
    ]) {
      const { code, err } = await control.run('tenants', ...args)
      assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    }
    const held = await control.run('tenants', 'delete', 'acme', '--purge', '--yes')
    assert.equal(held.code, 2)
    assert.match(held.err, /legal hold/)
    await control.run('tenants', 'update', 'acme', '--legal-hold', 'off')
    assert.equal((await control.run('tenants', 'delete', 'acme', '--purge', '--wait')).code, 0)
    const receipt = json((await control.run('tenants', 'receipt', 'acme')).out)
    assert.equal(receipt.payloadType, 'application/vnd.in-toto+json')
    const history = json((await control.run('tenants', 'history', 'acme', '-o', 'json')).out)
    assert.equal(history[0].to, 'erased')
    assert.equal(history.at(-1).to, 'requested')
  })

  test('cancel ends well when what it called off is cancelled', async (t) => {
    const control = await servedControl(t)
    await withAcme(control)
    control.plane.automatic = false
    await control.run('tenants', 'delete', 'acme', '--yes')
    const { code, out } = await control.run('tenants', 'cancel', 'acme', '--wait')
    assert.equal(code, 0)
    assert.match(out, /state +cancelled/)
  })

  test('list writes tables for people, JSON and YAML for programs, and reads every page', async (t) => {
    const control = await servedControl(t)
    for (const id of ['a', 'b', 'c']) {
      await control.run('tenants', 'create', id, '--region', 'eu-west')
    }
    const table = await control.run('tenants', 'list')
    assert.match(table.out, /^ID +STATUS +TIER/)
    const read = json((await control.run('tenants', 'list', '-o', 'json')).out)
    assert.deepEqual(
      read.map(({ id }: { id: string }) => id),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(parse((await control.run('tenants', 'list', '-o', 'yaml')).out), read)
    const acme = control.plane.tenantsById.get('a' as TenantId)
    assert.ok(acme)
    for (let n = 0; n < 1200; n += 1) {
      const id = `t${n}` as TenantId
      control.plane.tenantsById.set(id, { ...acme, id })
    }
    const all = json((await control.run('tenants', 'list', '-o', 'json')).out)
    assert.equal(new Set(all.map(({ id }: { id: string }) => id)).size, 1203)
    assert.equal(
      json((await control.run('tenants', 'list', '--limit', '2', '-o', 'json')).out).length,
      2,
    )
  })

  test('what others wrote into a name moves no cursor of a terminal', async (t) => {
    const control = await servedControl(t)
    await withAcme(control)
    const tenant = control.plane.tenantsById.get('acme' as TenantId)
    assert.ok(tenant)
    tenant.displayName = 'Acme\u001b[2J\u202egnp.exe'
    const { out } = await control.run('tenants', 'get', 'acme')
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(out, /[\u001b\u202e]/)
  })
})

describe('destructive commands', () => {
  test('ask at a terminal, and change nothing unless the name is typed', async (t) => {
    const control = await servedControl(t)
    await withAcme(control)
    const before = control.plane.acts.length
    for (const args of [
      ['tenants', 'delete', 'acme', '--purge'],
      ['tenants', 'suspend', 'acme', '--why', 'x'],
      ['leases', 'revoke', 'acme'],
      ['operators', 'revoke', 'first'],
    ]) {
      const refused = await control.runAs({ answer: 'yes' }, ...args)
      assert.equal(refused.code, 2, args.join(' '))
      assert.match(refused.err, /not confirmed/)
    }
    assert.equal(control.plane.acts.length, before)
    const confirmed = await control.runAs({ answer: 'acme' }, 'tenants', 'delete', 'acme')
    assert.equal(confirmed.code, 0)
    const forced = await control.runAs({ answer: '' }, 'leases', 'revoke', 'acme', '--yes')
    assert.equal(forced.code, 0)
  })
})

describe('the other commands', () => {
  test('approvals are listed, and decided by another operator only', async (t) => {
    const control = await servedControl(t)
    const create = ['tenants', 'create', 'acme', '--region', 'eu-west', '--plan', 'regulated']
    await control.run(...create)
    const [approval] = json((await control.run('approvals', 'list', '-o', 'json')).out)
    const own = await control.run('approvals', 'approve', approval.id)
    assert.equal(own.code, 2)
    const RINGFENCE_TOKEN = control.plane.operator('second')
    const environment = { RINGFENCE_TOKEN }
    const decided = await control.runAs(
      { environment },
      'approvals',
      'approve',
      approval.id,
      '--comment',
      'fine',
    )
    assert.equal(decided.code, 0, decided.err)
    assert.equal((await control.run('workflows', 'watch', approval.workflow)).code, 0)
    assert.match((await control.run('approvals', 'list')).out, /nothing to show/)
    assert.match((await control.run('approvals', 'list', '--all')).out, /second/)
  })

  test('leases are listed and revoked: one, a tenant’s, a workload’s', async (t) => {
    const control = await servedControl(t)
    await withAcme(control)
    const one = control.plane.lease('acme' as TenantId)
    for (let n = 0; n < 3; n += 1) control.plane.lease('acme' as TenantId)
    assert.equal(json((await control.run('leases', 'list', 'acme', '-o', 'json')).out).length, 4)
    assert.match((await control.run('leases', 'revoke', 'acme', one)).out, /leases ended +1/)
    assert.match((await control.run('leases', 'revoke', 'acme')).out, /leases ended +3/)
    control.plane.lease('acme' as TenantId)
    const workload = await control.run('leases', 'revoke', '--workload', 'clinic-web')
    assert.match(workload.out, /leases ended +1/)
    assert.equal((await control.run('leases', 'revoke')).code, 2)
    assert.equal((await control.run('leases', 'revoke', 'acme', '--workload', 'x')).code, 2)
  })

  test('cells and plans: what list writes, apply takes', async (t) => {
    const control = await servedControl(t)
    for (const kind of ['cells', 'plans']) {
      const listed = (await control.run(kind, 'list', '-o', 'yaml')).out
      const file = join(control.state, `${kind}.yaml`)
      writeFileSync(file, listed)
      const applied = await control.run(kind, 'apply', '-f', file, '-o', 'yaml')
      assert.equal(applied.code, 0, applied.err)
      assert.equal(applied.out, listed)
    }
    const file = join(control.state, 'bad.yaml')
    for (const text of ['', '- region: x', 'a: [', '[]']) {
      writeFileSync(file, text)
      const { code, err } = await control.run('cells', 'apply', '-f', file)
      assert.equal(code, 2, text)
      assert.equal(err.trimEnd().split('\n').length, 1, err)
    }
  })

  test('an operator’s token is written once, and works', async (t) => {
    const control = await servedControl(t)
    const create = ['operators', 'create', 'ci', '--scope', 'tenants:read', '--for', '90d']
    const made = json((await control.run(...create, '-o', 'json')).out)
    const environment = { RINGFENCE_TOKEN: made.token }
    assert.equal((await control.runAs({ environment }, 'tenants', 'list')).code, 0)
    const refused = await control.runAs({ environment }, 'operators', 'list')
    assert.equal(refused.code, 2)
    assert.match(refused.err, /operators:write/)
    assert.doesNotMatch((await control.run('operators', 'list')).out, new RegExp(made.token))
    await control.run('operators', 'revoke', 'ci')
    assert.equal((await control.runAs({ environment }, 'tenants', 'list')).code, 2)
  })
})

describe('which control plane, and as whom', () => {
  test('a platform here is asked over a unix socket as well', async (t) => {
    const control = await servedControl(t, { socket: true })
    await withAcme(control)
  })

  test('the file’s token goes to the file’s server and to no other', async (t) => {
    const control = await servedControl(t)
    const other = await servedControl(t)
    const { code, err } = await control.run('tenants', 'list', '--server', other.url)
    assert.equal(code, 2)
    assert.match(err, /no token/)
    assert.deepEqual(other.requests, [])
  })

  test('a token is not sent over http:// to another machine', async (t) => {
    const control = await servedControl(t)
    const environment = { RINGFENCE_TOKEN: control.token }
    for (const server of [
      'http://control.example',
      'http://127.0.0.1.example:80',
      'ftp://x',
      'x',
    ]) {
      const { code, err } = await control.runAs(
        { environment },
        'tenants',
        'list',
        '--server',
        server,
      )
      assert.equal(code, 2, server)
      assert.doesNotMatch(err, new RegExp(control.token))
    }
  })

  test('a token file that others can read is not used', async (t) => {
    const control = await servedControl(t)
    chmodSync(join(control.state, 'operator.token'), 0o640)
    const { code, err } = await control.run('tenants', 'list')
    assert.equal(code, 2)
    assert.match(err, /chmod 600/)
    assert.deepEqual(control.requests, [])
  })

  test('env:NAME keeps the token off the command line', async (t) => {
    const control = await servedControl(t)
    rmSync(join(control.state, 'operator.token'))
    const environment = { MINE: control.token }
    const list = ['tenants', 'list', '--token', 'env:MINE']
    assert.equal((await control.runAs({ environment }, ...list)).code, 0)
  })
})

describe('trouble on the way', () => {
  test('503 and 429 with Retry-After are tried again, with the same idempotency key', async (t) => {
    const control = await servedControl(t)
    const keys = new Set<string | null>()
    for (const status of [503, 429]) {
      control.instead.push((request) => {
        keys.add(request.headers.get('idempotency-key'))
        const headers = { 'retry-after': '1', 'content-type': 'application/problem+json' }
        return new Response('{}', { status, headers })
      })
    }
    control.instead.push((request) => {
      keys.add(request.headers.get('idempotency-key'))
      return undefined
    })
    const { code } = await control.run('tenants', 'create', 'acme', '--region', 'eu-west')
    assert.equal(code, 0)
    assert.equal(keys.size, 1)
    assert.match([...keys][0] ?? '', /^cli-/)
  })

  test('an answer that was lost on its way is asked for again, and the change is made once', async (t) => {
    const control = await servedControl(t)
    // The change is made; what comes back is a proxy's page.
    control.instead.push(async (_request, answer) => {
      assert.equal((await answer()).status, 202)
      return new Response('<html>bad gateway', { status: 502 })
    })
    const { code, err } = await control.run('tenants', 'create', 'acme', '--region', 'eu-west')
    assert.equal(code, 0, err)
    assert.deepEqual(control.requests, ['POST /v1/tenants 502', 'POST /v1/tenants 202'])
    assert.equal(control.plane.workflowsById.size, 1)
  })

  test('nobody there is one line and 2', async (t) => {
    const control = await servedControl(t)
    writeFileSync(join(control.state, 'control.url'), 'http://127.0.0.1:1\n')
    const { code, err } = await control.run('tenants', 'list')
    assert.equal(code, 2)
    assert.equal(err.trimEnd().split('\n').length, 1)
  })

  test('what is not a control plane is said to be none', async (t) => {
    const control = await servedControl(t)
    control.instead.push(() => new Response('<html>', { status: 404 }))
    control.instead.push(() => new Response('<html>', { status: 200 }))
    assert.match((await control.run('tenants', 'list')).err, /not a control plane/)
    assert.match((await control.run('tenants', 'list')).err, /form that this version does not know/)
  })
})
