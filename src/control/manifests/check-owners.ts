import { z } from 'zod'
import { plainHost, upstreamRule } from '../../contracts/upstream-rule.ts'
import type { TenantId } from '../../core/tenant.ts'
import {
  checkDeclared,
  type DeclaredProblem,
  type PolicyCompiler,
  type Surroundings,
} from '../../manifests/check-declared.ts'
import type { Kept } from '../../manifests/declared.ts'
import type { Manifest } from '../../manifests/manifest.ts'
import type { PlatformConfig } from '../../snapshot/snapshot.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Judges } from './apply-parts.ts'
import { keptFrom, objectsOf } from './object-row.ts'

/** Where the whole of an owner is looked at: by the platform as it would be. */
export interface Checking {
  readonly tx: Tx
  readonly platform: PlatformConfig
  readonly judges: Judges
}

const NO_COMPILER: PolicyCompiler = {
  store: () => ({ problems: [cannot()], parsed: undefined }),
  platform: () => [cannot()],
}

function cannot() {
  return { where: 'policies', message: 'this control plane compiles no policies' }
}

/**
 * Everything that a tenant declared, as it would be together. What its policies were compiled to is
 * kept with them.
 */
export async function checkTenant(
  tenant: TenantId,
  { tx, platform, judges }: Checking,
): Promise<readonly DeclaredProblem[]> {
  const kept = (await objectsOf(tx, tenant)).map(keptFrom)
  const { plan, issuer } = await tenantFacts(tx, tenant)
  const around = {
    ...surroundings(platform, judges),
    apisWithoutContract: apisOfPlan(platform, plan),
    upstreamRefusal: await upstreamRefusal(tx, kept, platform, issuer, judges),
  }
  const { problems, compiled } = checkDeclared(tenant, kept, around)
  const store = kept.find(({ manifest }) => manifest.kind === 'PolicyStore')
  if (problems.length === 0 && store !== undefined && store.compiled !== compiled) {
    await tx.query(
      `update registry.object set compiled = $2 where owner = $1 and kind = 'PolicyStore'`,
      [tenant, compiled ?? null],
    )
  }
  return problems
}

/** The platform's own, and what tenants' contracts rest on in it. */
export async function checkPlatform(
  tenants: readonly Manifest[],
  { tx, platform, judges }: Checking,
  base: Partial<
    Pick<PlatformConfig, 'upstreams' | 'contracts' | 'guardrails' | 'policies' | 'meters'>
  >,
): Promise<readonly DeclaredProblem[]> {
  const rows = (await objectsOf(tx, undefined)).map(keptFrom)
  const kept: readonly Kept[] = [
    ...rows,
    ...tenants.map((manifest) => ({ manifest, generation: 0 })),
  ]
  const around = { ...surroundings(platform, judges), apisWithoutContract: undefined }
  const { problems } = checkDeclared(undefined, kept, {
    ...around,
    upstreamRefusal: () => undefined,
  })
  return [...problems, ...settled(rows, base), ...(await inUse(tx, around.platformUpstreams))]
}

function surroundings(platform: PlatformConfig, { policies, openapi }: Judges) {
  const { services, upstreams = [], contracts = [], plans } = platform
  return {
    platformUpstreams: new Set<string>([...services, ...upstreams].map(({ name }) => name)),
    platformContracts: new Set<string>(contracts.map(({ name }) => name)),
    plans: new Set<string>(plans.map(({ name }) => name)),
    policies: policies ?? NO_COMPILER,
    ...(openapi === undefined ? {} : { openapiProblems: openapi }),
  } satisfies Partial<Surroundings>
}

/** What the operator's settings say is not said again: of two that have one name, which would hold? */
function settled(
  kept: readonly Kept[],
  base: Parameters<typeof checkPlatform>[2],
): readonly DeclaredProblem[] {
  const taken = new Set<string>([
    ...(base.upstreams ?? []).map(({ name }) => `Upstream/${name}`),
    ...(base.contracts ?? []).map(({ name }) => `Contract/${name}`),
    ...(base.guardrails ?? []).map(({ name }) => `Guardrail/${name}`),
    ...(base.meters ?? []).map(({ name }) => `Meter/${name}`),
  ])
  const policies = new Set((base.policies ?? []).map(({ id }) => id))
  return kept.flatMap(({ manifest }) => {
    const { kind, metadata } = manifest
    const reference = { kind, name: metadata.name, tenant: undefined }
    const message = 'the platform’s settings have one of this name'
    if (taken.has(`${kind}/${metadata.name}`)) {
      return [{ reference, path: ['metadata', 'name'], message }]
    }
    if (manifest.kind !== 'PolicyStore') return []
    return manifest.spec.policies.flatMap(({ id }, index) =>
      policies.has(id) ? [{ reference, path: ['spec', 'policies', index, 'id'], message }] : [],
    )
  })
}

const usedSchema = z.object({ name: z.string() })

/** Upstreams that are gone, and that contracts of tenants still forward to. */
async function inUse(tx: Tx, upstreams: ReadonlySet<string>): Promise<readonly DeclaredProblem[]> {
  const rows = await tx.query(
    `select distinct api -> 'upstream' ->> 'name' as name
       from registry.object, json_array_elements(spec -> 'apis') as api
      where kind = 'Contract' and owner <> '' and api -> 'upstream' ->> 'of' = 'platform'
        and api -> 'upstream' ->> 'name' <> all ($1)`,
    [[...upstreams]],
  )
  return rows.map((row) => {
    const { name } = usedSchema.parse(row)
    const reference = { kind: 'Upstream', name, tenant: undefined } as const
    return { reference, path: [], message: 'contracts of tenants forward to it' }
  })
}

const factsSchema = z.object({ plan: z.string(), issuer: z.string().nullable() })

async function tenantFacts(tx: Tx, tenant: TenantId): Promise<z.output<typeof factsSchema>> {
  const [row] = await tx.query('select plan, issuer from registry.tenant where id = $1', [tenant])
  return factsSchema.parse(row)
}

function apisOfPlan(platform: PlatformConfig, plan: string): ReadonlySet<string> {
  const contract = platform.plans.find(({ name }) => name === plan)?.contract
  const apis =
    contract === undefined
      ? platform.services
      : (platform.contracts?.find(({ name }) => name === contract)?.apis ?? [])
  return new Set<string>(apis.map(({ name }) => name))
}

/**
 * The platform's rule for addresses, and: not what the gateway itself serves, whosever it is, nor what
 * is behind it. All are refused in the words of the rule, which tell nothing of who is there.
 */
async function upstreamRefusal(
  tx: Tx,
  kept: readonly Kept[],
  platform: PlatformConfig,
  issuer: string | null,
  { upstreams: rule = upstreamRule() }: Judges,
): Promise<Surroundings['upstreamRefusal']> {
  const wanted = kept.flatMap(({ manifest }) =>
    manifest.kind === 'Upstream'
      ? manifest.spec.servers.map(({ url }) => plainHost(new URL(url)))
      : [],
  )
  if (wanted.length === 0) return rule
  const rows = await tx.query<{ host: string }>(
    'select host from registry.host where host = any ($1)',
    [wanted],
  )
  const { audience, services, upstreams = [] } = platform
  const hosts = new Set([
    ...rows.map(({ host }) => host),
    ...[audience, ...(issuer === null ? [] : [issuer])].map((url) => plainHost(new URL(url))),
  ])
  const places = new Set(
    [
      ...services.map(({ upstream }) => upstream),
      ...upstreams.flatMap(({ servers }) => servers.map(({ url }) => url)),
    ].map((url) => placeOf(new URL(url))),
  )
  return (url) => (hosts.has(plainHost(url)) || places.has(placeOf(url)) ? REFUSED : rule(url))
}

/** A host and a port, also where the port is the scheme's own. */
function placeOf(url: URL): string {
  return `${plainHost(url)} ${url.port || (url.protocol === 'https:' ? '443' : '80')}`
}

const REFUSED = 'this address may not be an upstream here'
