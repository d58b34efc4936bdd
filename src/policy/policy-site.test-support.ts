import type { PlatformPolicies, PolicyStoreConfig } from '../contracts/policy-store.ts'
import { parseClientId, parsePlanName, parseServiceName, parseSubject } from '../core/names.ts'
import { parseCellName, parseRegion, parseTenantId, type TenantId } from '../core/tenant.ts'
import type { Configuration, PlatformConfig, TenantConfig } from '../snapshot/snapshot.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { signContext, type TenantContext } from '../tokens/tenant-context.ts'
import { validateStore, type WrittenStore } from './validate-store.ts'

export const ACME = parseTenantId('acme')
export const GLOBEX = parseTenantId('globex')
export const DECISIONS = 'ringfence-decisions'

const clinic = parseServiceName('clinic')

/** Records in wards, which are signed by those who own them. */
export const CLINIC_SCHEMA = `namespace Clinic {
  entity Ward in [Ward];
  entity Record in [Ward] = { owner: User, seen: datetime, from?: ipaddr };
  action sign appliesTo { principal: [User], resource: [Record], context: {
    time: datetime, mfa: Bool, reason?: String, at?: ipaddr,
  } };
}`

export const CLINIC_STORE: WrittenStore = {
  schema: CLINIC_SCHEMA,
  policies: [
    {
      id: 'owners-sign',
      text: `permit(principal, action == Clinic::Action::"sign", resource)
        when { resource.owner == principal && resource.seen <= context.time };`,
    },
    {
      id: 'chiefs-sign-in-the-north',
      text: `permit(principal in Role::"acme/chief", action == Clinic::Action::"sign",
        resource in Clinic::Ward::"acme/north");`,
    },
    {
      id: 'nobody-signs-from-outside',
      text: `forbid(principal, action == Clinic::Action::"sign", resource)
        when { resource has from && !resource.from.isInRange(ip("10.0.0.0/8")) };`,
    },
  ],
  entities: [
    {
      uid: { type: 'Clinic::Ward', id: 'acme/north-7' },
      attrs: {},
      parents: [{ type: 'Clinic::Ward', id: 'acme/north' }],
    },
    {
      uid: { type: 'Role', id: 'acme/director' },
      attrs: {},
      parents: [{ type: 'Role', id: 'acme/chief' }],
    },
  ],
}

/** A store as the configuration has it. @throws Error when something is wrong with it */
export function published(store: WrittenStore, tenant: TenantId): PolicyStoreConfig {
  const { problems, parsed } = validateStore(store, tenant)
  if (parsed === undefined) throw new Error(JSON.stringify(problems))
  return { ...store, version: 1, parsed }
}

const contextKey = await SigningKey.create('ES256')
const jobKey = await SigningKey.create('EdDSA')
const workloadKey = await SigningKey.create('ES256')
const billingKey = await SigningKey.create('ES256')
export const stranger = await SigningKey.create('ES256')
const web = parseClientId('clinic-web')
const billing = parseClientId('billing-web')

export const keys = { contextKey, jobKey, workloadKey }

interface Asserting {
  readonly key?: SigningKey
  readonly client?: typeof web
  readonly audience?: string
}

export function assertion(asserting: Asserting = {}): Promise<string> {
  const { key = workloadKey, client = web, audience = DECISIONS } = asserting
  return signClientAssertion(key, client, audience)
}

export const billingAssertion = () => assertion({ key: billingKey, client: billing })

export function context(
  tenant: TenantId,
  change: Partial<TenantContext> = {},
  key = contextKey,
): Promise<string> {
  return signContext(
    key,
    {
      kind: 'request',
      tenant,
      service: clinic,
      subject: parseSubject('ada'),
      scopes: ['read', 'write'],
      roles: [],
      requestId: 'r-1',
      origin: { id: 't-1', client: 'browser', issuedAt: new Date() },
      ...change,
    },
    60,
  )
}

/** A configuration with two tenants, whose stores are as they are given. */
export function configurationOf(
  stores: Readonly<Record<string, PolicyStoreConfig | undefined>>,
  policies?: PlatformPolicies,
): Configuration {
  const tenants = [ACME, GLOBEX].map((id) => tenantOf(id, stores[id]))
  const platform: PlatformConfig = {
    audience: 'https://api.example',
    contextKeys: [contextKey.publicJwk],
    jobKeys: [jobKey.publicJwk],
    services: [{ name: clinic, upstream: 'http://127.0.0.1:1', prefix: '/' }],
    workloads: [
      { client: web, service: clinic, keys: [workloadKey.publicJwk], scopes: ['read', 'write'] },
      {
        client: billing,
        service: parseServiceName('billing'),
        keys: [billingKey.publicJwk],
        scopes: ['read'],
      },
    ],
    plans: [],
    ...(policies === undefined ? {} : { policies }),
  }
  return {
    version: 1,
    confirmedAt: new Date(),
    platform,
    tenant: (id) => tenants.find((tenant) => tenant.id === id),
    tenantOfHost: () => undefined,
    tenants: () => tenants.values(),
  }
}

function tenantOf(id: TenantId, policy: PolicyStoreConfig | undefined): TenantConfig {
  return {
    id,
    status: 'active',
    tier: 'pooled',
    region: parseRegion('eu-west'),
    cell: parseCellName('eu-west-1'),
    plan: parsePlanName('standard'),
    issuer: `https://id.example/realms/${id}`,
    keys: [],
    hosts: [],
    ...(policy === undefined ? {} : { policy }),
  }
}
