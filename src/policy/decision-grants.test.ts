import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GrantConfig, grantSchema } from '../contracts/grant.ts'
import type { PolicyStoreConfig } from '../contracts/policy-store.ts'
import { RingfenceError } from '../core/errors.ts'
import { parseClientId, parseSubject } from '../core/names.ts'
import type { Revocable } from '../revocation/revocation.ts'
import type { Configuration, TenantConfig } from '../snapshot/snapshot.ts'
import { grantSubject } from '../tokens/delegation.ts'
import type { TenantContext } from '../tokens/tenant-context.ts'
import { DecisionPoint } from './decision-point.ts'
import {
  ACME,
  assertion,
  configurationOf,
  context,
  DECISIONS,
  GLOBEX,
  published,
} from './policy-site.test-support.ts'
import { resourceSchema } from './service-question.ts'

const HOUR_MS = 3_600_000
const moment = (ms: number) => new Date(Date.now() + ms).toISOString()
const kim = parseSubject('kim')

/** Acme lets kim of globex sign records. */
function grantOf(change: Readonly<Record<string, unknown>> = {}): GrantConfig {
  return grantSchema.parse({
    id: 'gr-aaaaaaaaaaaaaaaaaaaa',
    ...{ grantee: GLOBEX, subject: kim, scopes: ['read'], bills: 'grantor' },
    ...{ apis: ['clinic'], actions: ['sign'], resources: ['Clinic::Record/*'] },
    ...{ notBefore: moment(-HOUR_MS), expires: moment(HOUR_MS) },
    ...change,
  })
}
const GRANT = grantOf().id

const SCHEMA = `namespace Clinic {
  entity Record;
  entity Bed;
  action sign, burn appliesTo { principal: [User, Delegate], resource: [Record, Bed] };
}`
const storeOf = (text: string): PolicyStoreConfig =>
  published({ schema: SCHEMA, policies: [{ id: 'one', text }], entities: [] }, ACME)
/** Lets everybody do everything: what is kept away is kept away by the grant. */
const ALL = storeOf('permit(principal, action, resource);')

interface World {
  readonly acme?: Partial<TenantConfig>
  readonly globex?: Partial<TenantConfig> | 'gone'
  readonly revokes?: (what: Revocable) => boolean
}

function pointIn({ acme = {}, globex = {}, revokes = () => false }: World): DecisionPoint {
  const plain = configurationOf({ acme: ALL })
  const configuration: Configuration = {
    ...plain,
    tenant(id) {
      const found = plain.tenant(id)
      if (id === GLOBEX)
        return globex === 'gone' || found === undefined ? undefined : { ...found, ...globex }
      return found && { ...found, grants: [grantOf()], ...acme }
    },
  }
  return new DecisionPoint({
    audience: DECISIONS,
    configuration: () => configuration,
    revocations: { revokes },
  })
}

const delegation = {
  grant: GRANT,
  grantee: GLOBEX,
  source: { id: 'home-1', client: 'web', session: 's-1', issuedAt: new Date(1_000_000) },
}

/** What the gateway says of kim. */
function delegated(change: Partial<TenantContext> = {}): Promise<string> {
  return context(ACME, {
    subject: grantSubject(GRANT),
    session: GRANT,
    scopes: ['read'],
    actor: { issuer: `https://id.example/realms/globex`, subject: kim },
    delegation,
    origin: { id: 't-1', client: parseClientId('ringfence-delegation'), issuedAt: new Date() },
    ...change,
  })
}

interface Asked {
  readonly action?: string
  readonly type?: string
  readonly id?: string
  readonly change?: Partial<TenantContext>
}

async function allowed(world: World, asked: Asked = {}): Promise<boolean> {
  const { action = 'sign', type = 'Clinic::Record', id = '7', change } = asked
  const point = pointIn(world)
  const asker = await point.asker(await assertion(), await delegated(change))
  const resource = resourceSchema.parse({ type, id })
  const decision = await point.decide(asker, { action: { name: action }, resource, context: {} })
  point.close()
  return decision.allowed
}

test('a delegate may do to a service’s things what both its grant and a policy name', async () => {
  assert.equal(await allowed({}), true)
  const own = `permit(principal == Delegate::"acme/${GRANT}", action, resource);`
  assert.equal(await allowed({ acme: { policy: storeOf(own) } }), true)
})

test('what a tenant lets its own people do it does not let a delegate do', async () => {
  for (const text of [
    'permit(principal in Tenant::"acme", action, resource);',
    'permit(principal in Role::"acme/doctor", action, resource);',
    'permit(principal is User, action, resource);',
    `permit(principal == User::"acme/kim", action, resource);`,
    `permit(principal == Delegate::"acme/gr-bbbbbbbbbbbbbbbbbbbb", action, resource);`,
  ]) {
    const change = { roles: ['doctor'] }
    assert.equal(await allowed({ acme: { policy: storeOf(text) } }, { change }), false, text)
  }
})

test('whatever policies permit, it is no more than the grant names: action, type, thing', async () => {
  const one = { acme: { grants: [grantOf({ resources: ['Clinic::Record/7', '/records'] })] } }
  assert.equal(await allowed(one), true)
  assert.equal(await allowed(one, { id: '8' }), false)
  assert.equal(await allowed(one, { id: '*' }), false)
  assert.equal(await allowed({}, { action: 'burn' }), false)
  assert.equal(await allowed({}, { type: 'Clinic::Bed' }), false)
  assert.equal(await allowed({ acme: { grants: [grantOf({ resources: ['/'] })] } }), false)
})

test('a grant counts while it stands, for its principal, and while its grantee is served', async () => {
  const given = (change: Readonly<Record<string, unknown>>) => ({
    acme: { grants: [grantOf(change)] },
  })
  for (const world of [
    { acme: { grants: [] } },
    given({ id: 'gr-bbbbbbbbbbbbbbbbbbbb' }),
    given({ expires: moment(-1_000) }),
    given({ notBefore: moment(HOUR_MS / 2) }),
    given({ subject: 'eve' }),
    given({ grantee: 'initech' }),
    { globex: { status: 'suspended' } },
    { globex: 'gone' },
  ] satisfies World[]) {
    assert.equal(await allowed(world), false, JSON.stringify(world))
  }
  const eve = {
    actor: { issuer: 'https://id.example/realms/globex', subject: parseSubject('eve') },
  }
  assert.equal(await allowed({}, { change: eve }), false)
})

test('what is taken back at home is void at the decision point', async () => {
  const seen: Revocable[] = []
  const revokes = (what: Revocable) => {
    seen.push(what)
    return what.source?.session === 's-1'
  }
  await assert.rejects(
    allowed({ revokes }),
    (error) => error instanceof RingfenceError && error.code === 'invalid_token',
  )
  const [asked] = seen
  assert.deepEqual(
    [asked?.tenant, asked?.session, asked?.source],
    [
      ACME,
      GRANT,
      {
        tenant: GLOBEX,
        subject: kim,
        ...{ id: 'home-1', client: 'web', session: 's-1', issuedAt: new Date(1_000_000) },
      },
    ],
  )
})

test('a delegate is known to a service by its grant, and asks as nobody else', async () => {
  const point = pointIn({})
  const { context: who } = await point.asker(await assertion(), await delegated())
  assert.equal(who.subject, `grant:${GRANT}`)
  assert.equal(who.delegation?.grantee, GLOBEX)
  // Half a delegation is no context.
  const half = await context(ACME, { subject: grantSubject(GRANT), session: GRANT, delegation })
  await assert.rejects(point.asker(await assertion(), half))
  point.close()
})
