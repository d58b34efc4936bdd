import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type GrantConfig, grantSchema } from '../contracts/grant.ts'
import { parseGrantId, parseServiceName, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type Check, VENDING_CHECKS } from './checks.ts'
import {
  ask,
  assertionOf,
  type Asked,
  contextOf,
  given,
  KEYS,
  openWorld,
  type World,
} from './world.test-support.ts'

/** One try to get what one must not. It is judged by what it got, not by how it was refused. */
interface Attack {
  readonly title: string
  /** The check that alone keeps it out. */
  readonly check: string
  /** True when it got what it wanted. */
  readonly succeeds: (world: World) => Promise<boolean>
}

const granted = async (world: World, asked: Asked) => (await ask(world, asked)).status === 200

/** Gives globex' web process a lease, and has acme's try something on it. */
async function onLeaseOf(
  world: World,
  owner: Asked,
  path: string,
  thief: NonNullable<Asked['fields']> = {},
): Promise<{ readonly status: number; readonly ended: boolean }> {
  const { lease_id } = await given(ask(world, owner))
  const fields = { lease_id, grant_type: undefined, ...thief }
  const { status } = await ask(world, { path, fields })
  return { status, ended: !world.leaser.live().some((lease) => lease.lease_id === lease_id) }
}

const ATTACKS: readonly Attack[] = [
  {
    title: 'a context whose access token was taken back since',
    check: 'context-not-revoked',
    async succeeds(world) {
      const subject_token = await contextOf('acme', { session: 'session-1' })
      const tenant = parseTenantId('acme')
      world.revocations.revoke({ kind: 'session', tenant, id: 'session-1', at: new Date() })
      return granted(world, { fields: { subject_token } })
    },
  },
  {
    title: 'two scopes, of which a reader may take either',
    check: 'each-parameter-once',
    succeeds: (world) => granted(world, { fields: { scope: 'read' }, tail: '&scope=write' }),
  },
  {
    title: 'a second authentication in the Authorization header',
    check: 'one-way-in',
    succeeds: (world) => granted(world, { headers: { authorization: 'Basic Og==' } }),
  },
  {
    title: 'parameters in the query, where logs see them',
    check: 'one-way-in',
    succeeds: (world) => granted(world, { path: '/v1/token?scope=write' }),
  },
  {
    title: 'a resource beside the context',
    check: 'nothing-else-asked',
    succeeds: (world) => granted(world, { fields: { resource: 'urn:globex' } }),
  },
  {
    title: 'an actor that the context does not know',
    check: 'nothing-else-asked',
    succeeds: (world) => granted(world, { fields: { actor_token: 'x', actor_token_type: 'y' } }),
  },
  {
    title: 'an assertion signed with another workload’s key',
    check: 'client-assertion',
    succeeds: async (world) =>
      granted(world, {
        fields: { client_assertion: await assertionOf('clinic-web', KEYS.report) },
      }),
  },
  {
    title: 'an assertion for another audience',
    check: 'client-assertion',
    succeeds: async (world) =>
      granted(world, {
        fields: {
          client_assertion: await assertionOf('clinic-web', KEYS.web, 'ringfence-control'),
        },
      }),
  },
  {
    title: 'an assertion that was used before',
    check: 'client-assertion-once',
    async succeeds(world) {
      const fields = { client_assertion: await assertionOf() }
      assert.ok(await granted(world, { fields }), 'the first use is good')
      return granted(world, { fields })
    },
  },
  {
    title: 'an assertion that was used before a restart',
    check: 'client-assertion-once',
    async succeeds(world) {
      const fields = { client_assertion: await assertionOf() }
      assert.ok(await granted(world, { fields }), 'the first use is good')
      await world.restart()
      return granted(world, { fields })
    },
  },
  {
    title: 'a client_id that is not the assertion’s',
    check: 'client-id-agrees',
    succeeds: (world) => granted(world, { fields: { client_id: 'billing-web' } }),
  },
  {
    title: 'a context signed with a key that is not the gateway’s',
    check: 'context-signature',
    succeeds: async (world) =>
      granted(world, { fields: { subject_token: await contextOf('globex', { key: KEYS.web }) } }),
  },
  {
    title: 'a job context signed with the gateway’s key',
    check: 'context-signature',
    succeeds: async (world) =>
      granted(world, {
        fields: { subject_token: await contextOf('acme', { kind: 'job', key: KEYS.gateway }) },
      }),
  },
  {
    title: 'a context that has expired',
    check: 'context-signature',
    succeeds: async (world) =>
      granted(world, { fields: { subject_token: expired(await contextOf('acme')) } }),
  },
  {
    title: 'a context whose tenant was exchanged for another',
    check: 'context-signature',
    succeeds: async (world) =>
      granted(world, {
        fields: { subject_token: altered(await contextOf('acme'), { tenant_id: 'globex' }) },
      }),
  },
  {
    title: 'a context for another service',
    check: 'context-for-own-service',
    succeeds: async (world) =>
      granted(world, {
        fields: {
          subject_token: await contextOf('acme', { service: parseServiceName('billing') }),
        },
      }),
  },
  {
    title: 'a context of a suspended tenant',
    check: 'tenant-served',
    succeeds: async (world) =>
      granted(world, { fields: { subject_token: await contextOf('initech') } }),
  },
  {
    title: 'more requests than a workload may make',
    check: 'workload-limit',
    async succeeds(world) {
      for (let turn = 0; turn < 20; turn += 1) assert.ok(await granted(world, {}))
      return granted(world, {})
    },
  },
  {
    title: 'to revoke another tenant’s lease',
    check: 'lease-of-own-tenant',
    async succeeds(world) {
      const owner = { fields: { subject_token: await contextOf('globex') } }
      return (await onLeaseOf(world, owner, '/v1/leases/revoke')).ended
    },
  },
  {
    title: 'to renew another tenant’s lease',
    check: 'lease-of-own-tenant',
    async succeeds(world) {
      const owner = { fields: { subject_token: await contextOf('globex') } }
      return (await onLeaseOf(world, owner, '/v1/leases/renew')).status === 200
    },
  },
  {
    title: 'to revoke a lease of the same tenant’s that another workload holds',
    check: 'lease-of-own-workload',
    async succeeds(world) {
      const client_assertion = await assertionOf('clinic-report', KEYS.report)
      return (await onLeaseOf(world, { fields: { client_assertion } }, '/v1/leases/revoke')).ended
    },
  },
  {
    title: 'to write with a context that only reads',
    check: 'scope-in-context',
    succeeds: async (world) =>
      granted(world, {
        fields: { scope: 'write', subject_token: await contextOf('acme', { scopes: ['read'] }) },
      }),
  },
  {
    title: 'to renew a lease that writes with a context that only reads',
    check: 'scope-in-context',
    async succeeds(world) {
      const thief = { subject_token: await contextOf('acme', { scopes: ['read'] }) }
      const owner = { fields: { scope: 'write' } }
      return (await onLeaseOf(world, owner, '/v1/leases/renew', thief)).status === 200
    },
  },
  {
    title: 'to write with a workload that only reads',
    check: 'scope-of-workload',
    succeeds: async (world) =>
      granted(world, {
        fields: {
          scope: 'write',
          client_assertion: await assertionOf('clinic-report', KEYS.report),
        },
      }),
  },
  {
    title: 'to write while a move has paused writes',
    check: 'tenant-writes-open',
    succeeds: async (world) =>
      granted(world, { fields: { scope: 'write', subject_token: await contextOf('umbrella') } }),
  },
  {
    title: 'a lease that lives longer than the plan allows',
    check: 'lease-within-plan',
    async succeeds(world) {
      const { lease_duration } = await given(ask(world, { fields: { lease_seconds: '3600' } }))
      return lease_duration > 600
    },
  },
  {
    title: 'a lease that outlives its job',
    check: 'lease-within-job',
    async succeeds(world) {
      const subject_token = await contextOf('acme', { kind: 'job', seconds: 30 })
      return (await given(ask(world, { fields: { subject_token } }))).lease_duration > 30
    },
  },
  {
    title: 'a context of a grant that is there no more',
    check: 'grant-stands',
    async succeeds(world) {
      world.configuration.change('acme', { grants: [] })
      return granted(world, { fields: { subject_token: await delegated() } })
    },
  },
  {
    title: 'a context of a principal whose tenant is suspended',
    check: 'grant-stands',
    async succeeds(world) {
      world.configuration.change('acme', { grants: [grantUntil(3_600)] })
      world.configuration.change('globex', { status: 'suspended' })
      return granted(world, { fields: { subject_token: await delegated() } })
    },
  },
  {
    title: 'a lease that outlives the grant that it stands on',
    check: 'lease-within-grant',
    async succeeds(world) {
      world.configuration.change('acme', { grants: [grantUntil(60)] })
      const fields = { subject_token: await delegated() }
      return (await given(ask(world, { fields }))).lease_duration > 60
    },
  },
  {
    title: 'more leases a minute than the plan allows',
    check: 'tenant-limit',
    async succeeds(world) {
      const fields = { subject_token: await contextOf('hooli') }
      for (let turn = 0; turn < 3; turn += 1) assert.ok(await granted(world, { fields }))
      return granted(world, { fields })
    },
  },
]

const GRANT = parseGrantId('gr-aaaaaaaaaaaaaaaaaaaa')
const KIM = parseSubject('kim')

function grantUntil(seconds: number): GrantConfig {
  return grantSchema.parse({
    id: GRANT,
    grantee: 'globex',
    subject: KIM,
    scopes: ['read'],
    apis: ['clinic'],
    actions: ['read'],
    resources: ['/'],
    notBefore: new Date(0).toISOString(),
    expires: new Date(Date.now() + seconds * 1000).toISOString(),
    bills: 'grantor',
  })
}

/** A context for globex' kim at acme. */
function delegated(): Promise<string> {
  const source = { id: 'home-1', client: 'web', issuedAt: new Date() }
  return contextOf('acme', {
    actor: { issuer: 'https://id.example/realms/globex', subject: KIM },
    delegation: { grant: GRANT, grantee: parseTenantId('globex'), source },
  })
}

/** A token with other claims than its signature is for. */
function altered(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header, payload = '', signature] = token.split('.')
  const before = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const after = Buffer.from(JSON.stringify({ ...before, ...claims })).toString('base64url')
  return [header, after, signature].join('.')
}

const expired = (token: string) => altered(token, { iat: 1_000_000_000, exp: 1_000_000_060 })

async function attempt(attack: Attack, checks: readonly Check[]): Promise<boolean> {
  const world = await openWorld({ checks, workloadPerMinute: 20 })
  try {
    return await attack.succeeds(world)
  } finally {
    await world.close()
  }
}

describe('with all checks', () => {
  for (const attack of ATTACKS) {
    test(`${attack.title}: nothing is got`, async () => {
      assert.equal(await attempt(attack, VENDING_CHECKS), false)
    })
  }
})

describe('leaving out one check lets at least one attack succeed', () => {
  for (const { name } of VENDING_CHECKS) {
    test(name, async () => {
      const checks = VENDING_CHECKS.filter((check) => check.name !== name)
      const attacks = ATTACKS.filter(({ check }) => check === name)
      const results = await Promise.all(attacks.map((attack) => attempt(attack, checks)))
      assert.ok(results.includes(true), `${attacks.length} attacks, none of them got through`)
    })
  }
})

test('the names of the checks are all different', () => {
  assert.equal(new Set(VENDING_CHECKS.map(({ name }) => name)).size, VENDING_CHECKS.length)
})
