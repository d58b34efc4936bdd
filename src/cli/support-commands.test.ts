import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TenantId } from '../core/tenant.ts'
import { type ServedControl, servedControl } from './served-control.test-support.ts'
import { untilActive, waitsFor } from './support-access.ts'
import { ControlClient } from './control-client.ts'
import { localAccess } from './control-access.ts'
import { supportSchema, type WireSupport } from '../control/api/schemas.ts'

async function withAcme(t: Parameters<typeof servedControl>[0]): Promise<ServedControl> {
  const control = await servedControl(t)
  const create = ['tenants', 'create', 'acme', '--name', 'Acme', '--region', 'eu-west', '--wait']
  assert.equal((await control.run(...create)).code, 0)
  return control
}

const ASK = ['support', 'request', '--tenant', 'acme', '--reason', 'ticket 4711'] as const

async function asked(control: ServedControl): Promise<WireSupport> {
  const { code, out } = await control.run(...ASK, '--for', '30m', '-o', 'json')
  assert.equal(code, 0)
  return supportSchema.parse(JSON.parse(out))
}

describe('ringfence support', () => {
  test('asks, shows, lists and gives back', async (t) => {
    const control = await withAcme(t)
    const access = await asked(control)
    assert.deepEqual([access.scope, access.seconds, access.state], ['read', 1_800, 'active'])
    const shown = await control.run('support', 'get', access.id)
    assert.match(shown.out, /ticket 4711/)
    assert.match(shown.out, /nobody: there was no second person yet/)
    const listed = await control.run('support', 'list', '--tenant', 'acme', '--status', 'active')
    assert.match(listed.out, new RegExp(access.id))
    const yaml = await control.run('support', 'list', '-o', 'yaml')
    assert.match(yaml.out, /reason: ticket 4711/)
    assert.equal((await control.run('support', 'end', access.id, '--why', 'closed')).code, 0)
    const again = await control.run('support', 'end', access.id)
    assert.equal(again.code, 2)
    const other = await asked(control)
    assert.match((await control.run('support', 'revoke', other.id)).out, /revoked/)
  })

  test('says who is waited for, and with --wait ends with 1 when somebody refuses', async (t) => {
    const control = await withAcme(t)
    const access = { ...(await asked(control)), alone: false, state: 'requested' } as const
    const both = { ...access, policy: 'consent-and-second-person' } as const
    assert.equal(waitsFor(both), 'a second person and the tenant')
    assert.equal(waitsFor({ ...both, state: 'approved' }), 'the tenant')
    assert.equal(waitsFor({ ...both, state: 'consented' }), 'a second person')
    assert.equal(waitsFor({ ...both, state: 'denied' }), '')
    const kept = control.plane.supportById.get(access.id) ?? assert.fail()
    kept.state = 'requested'
    kept.alone = false
    let err = ''
    const waiting = untilActive(
      new ControlClient(localAccess(control.state)),
      access,
      {
        out: () => undefined,
        err: (text) => {
          err += text
          kept.state = 'denied'
        },
        isTty: false,
        width: 80,
        environment: {},
      },
      1,
    )
    assert.equal((await waiting).state, 'denied')
    assert.match(err, /waits for a second person, until/)
  })

  test('approves through the approval, and says when there is none', async (t) => {
    const control = await withAcme(t)
    const access = await asked(control)
    const none = await control.run('support', 'approve', access.id)
    assert.equal(none.code, 2)
    assert.match(none.err, /no second person is asked/)
  })

  test('shows and changes the policy of a tenant', async (t) => {
    const control = await withAcme(t)
    const before = await control.run('support', 'policy', 'acme', '-o', 'json')
    assert.deepEqual(JSON.parse(before.out), {
      tenant: 'acme',
      policy: 'consent-and-second-person',
    })
    assert.equal((await control.run('support', 'policy', 'acme', 'never')).code, 0)
    assert.equal(control.plane.supportPolicies.get('acme' as TenantId), 'never')
    assert.equal((await control.run('support', 'policy', 'acme', 'whatever')).code, 2)
  })

  for (const [what, args] of [
    ['no reason', ['support', 'request', '--tenant', 'acme']],
    ['more than four hours', [...ASK, '--for', '5h']],
    ['a time that is none', [...ASK, '--for', 'soon']],
    ['a scope that there is not', [...ASK, '--scope', 'admin']],
    ['a tenant with capitals', ['support', 'request', '--tenant', 'Acme', '--reason', 'x']],
    ['exec without a reason', ['exec', '--tenant', 'acme', '--', 'true']],
    ['exec without a tenant', ['exec', '--reason', 'x', '--', 'true']],
    ['exec with two reasons', ['exec', '--support', 's-1', '--reason', 'x', '--', 'true']],
  ] as const) {
    test(`${what} is misuse, and asks nobody`, async (t) => {
      const control = await servedControl(t)
      // After `--` everything is the program's: the state directory comes before it.
      const at = args.indexOf('--' as never)
      const before = at < 0 ? args : args.slice(0, at)
      const ran = await control.runAs(
        {},
        ...before,
        ...(at < 0 ? [] : ['--state', control.state, ...args.slice(at)]),
      )
      assert.equal(ran.code, 2, ran.out)
      assert.equal(ran.err.trim().split('\n').length, 1, ran.err)
      assert.deepEqual(control.requests, [])
    })
  }

  test('an access to another tenant is not taken for this one', async (t) => {
    const control = await withAcme(t)
    const { id } = await asked(control)
    const ran = await control.run('lease', 'globex', '--support', id)
    assert.equal(ran.code, 2)
    assert.match(ran.err, /another tenant/)
  })
})

describe('ringfence operators', () => {
  test('invites, lists, changes and removes people', async (t) => {
    const control = await servedControl(t)
    const invite = ['operators', 'invite', 'bob@example.com', '--name', 'Bob']
    const made = await control.run(
      ...invite,
      '--role',
      'viewer',
      '--role',
      'approver',
      '-o',
      'json',
    )
    assert.equal(made.code, 0, made.err)
    assert.deepEqual(JSON.parse(made.out).roles, ['viewer', 'approver'])
    assert.match((await control.run('operators', 'list')).out, /bob@example\.com/)
    assert.match((await control.run('operators', 'get', 'bob')).out, /viewer approver/)
    const set = await control.run('operators', 'set-role', 'bob', '--role', 'operator')
    assert.match(set.out, /operator/)
    assert.equal((await control.run('operators', 'remove', 'bob', '--yes')).code, 0)
    assert.equal((await control.run('operators', 'get', 'nobody')).code, 2)
  })

  test('a role that there is not is misuse', async (t) => {
    const control = await servedControl(t)
    const ran = await control.run('operators', 'set-role', 'bob', '--role', 'root')
    assert.equal(ran.code, 2)
    assert.deepEqual(control.requests, [])
  })
})

test('ringfence whoami tells who asks and what it may do', async (t) => {
  const control = await servedControl(t)
  const { code, out } = await control.run('whoami', '-o', 'json')
  assert.equal(code, 0)
  const caller = JSON.parse(out)
  assert.equal(caller.name, 'first')
  assert.ok(caller.scopes.includes('tenants:read'))
})
