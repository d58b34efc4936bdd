import { plainHost, upstreamRule, type UpstreamRule } from '../contracts/upstream-rule.ts'
import { parseCellName, type TenantId } from '../core/tenant.ts'
import type { PlatformConfig, TenantConfig } from '../snapshot/snapshot.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import {
  checkDeclared,
  type DeclaredProblem,
  type PolicyCompiler,
  type Surroundings,
} from './check-declared.ts'
import { declaredBy, type Kept } from './declared.ts'
import { keyOf, type Manifest, type ManifestOf, ownerOf, referenceOf } from './manifest.ts'
import { InvalidManifests, pathText } from './problem.ts'
import type { LocatedManifest } from './read-manifests.ts'

/** Where there is one gateway and nothing else, it is everybody's cell. */
const CELL = parseCellName('standalone')
const REFUSED = 'this address may not be an upstream here'

/** What files alone do not say. */
export interface StandingOptions {
  /** The audience of access tokens. */
  readonly audience: string
  /** Verify the tenant contexts that the gateway signs. */
  readonly contextKeys: readonly PublicJwk[]
  readonly policies: PolicyCompiler
  readonly upstreams?: UpstreamRule
  readonly openapi?: (text: string) => readonly string[]
  /** The keys of a tenant's realm, as they are known now. */
  readonly keysOf: (tenant: ManifestOf<'Tenant'>) => readonly PublicJwk[]
}

export interface StandingConfiguration {
  readonly platform: PlatformConfig
  readonly tenants: readonly TenantConfig[]
}

/**
 * What a gateway serves by files alone. Judged whole, as a control plane would.
 * @param version of policy stores: it grows with each reading
 * @throws InvalidManifests with everything that is wrong, and where it is written
 */
export function standingConfiguration(
  located: readonly LocatedManifest[],
  options: StandingOptions,
  version: number,
): StandingConfiguration {
  const manifests = located.map(({ manifest }) => manifest)
  const byOwner = Map.groupBy(
    manifests.filter(({ kind }) => kind !== 'Tenant'),
    (manifest) => ownerOf(manifest),
  )
  const keptOf = (tenant: TenantId | undefined): readonly Kept[] =>
    (byOwner.get(tenant) ?? []).map((manifest) => ({ manifest, generation: version }))
  const platform = platformOf(keptOf(undefined), options)
  const tenants = manifests.filter((one) => one.kind === 'Tenant')
  const problems = [...misfits(manifests, tenants)]
  const rows = [...keptOf(undefined), ...tenants.map((manifest) => ({ manifest, generation: 1 }))]
  problems.push(...checkDeclared(undefined, rows, aroundOf(platform, tenants, options)).problems)
  const configs = tenants.map((tenant) => {
    const id = tenant.metadata.name
    const kept = keptOf(id)
    const around = aroundOf(platform, tenants, options, tenant)
    const { problems: wrong, compiled } = checkDeclared(id, kept, around)
    problems.push(...wrong)
    return tenantOf(
      tenant,
      kept.map((one) =>
        one.manifest.kind === 'PolicyStore' && compiled !== undefined ? { ...one, compiled } : one,
      ),
      options,
    )
  })
  if (problems.length > 0) throw refusalOf(problems, located)
  return { platform, tenants: configs }
}

function platformOf(kept: readonly Kept[], options: StandingOptions): PlatformConfig {
  const { upstreams, contracts, guardrails, policies, meters } = declaredBy(kept)
  const plans = kept.flatMap(({ manifest }) => {
    if (manifest.kind !== 'Plan') return []
    const { tiers: _tiers, approval: _approval, selfService: _self, ...spec } = manifest.spec
    return [{ name: manifest.metadata.name, ...spec }]
  })
  return {
    audience: options.audience,
    contextKeys: [...options.contextKeys],
    jobKeys: [],
    services: [],
    workloads: [],
    plans,
    upstreams: [...upstreams],
    contracts: [...contracts],
    guardrails: [...guardrails],
    policies: [...policies],
    meters: [...meters],
  }
}

function tenantOf(
  { metadata, spec }: ManifestOf<'Tenant'>,
  kept: readonly Kept[],
  { keysOf }: StandingOptions,
): TenantConfig {
  const { tier, region, plan, hosts = [], network, limits, realm } = spec
  const { contracts, upstreams, guardrails, policy } = declaredBy(kept)
  const [contract] = contracts
  const manifest: ManifestOf<'Tenant'> = {
    apiVersion: 'ringfence.dev/v1',
    kind: 'Tenant',
    metadata,
    spec,
  }
  return {
    id: metadata.name,
    status: 'active',
    ...{ tier, region, plan, cell: CELL },
    issuer: realm?.issuer ?? '',
    keys: [...keysOf(manifest)],
    hosts: [...hosts],
    ...(contract === undefined ? {} : { contract }),
    upstreams: [...upstreams],
    guardrails: [...guardrails],
    ...(limits === undefined ? {} : { limits }),
    ...(policy === undefined ? {} : { policy }),
    ...(network === undefined ? {} : { network }),
  }
}

/** What a registry would refuse: nobody's things, a realm that is missing, hosts and issuers of two. */
function* misfits(
  manifests: readonly Manifest[],
  tenants: readonly ManifestOf<'Tenant'>[],
): Generator<DeclaredProblem> {
  const known = new Set<string>(tenants.map(({ metadata }) => metadata.name))
  for (const manifest of manifests) {
    const owner = ownerOf(manifest)
    if (owner === undefined || known.has(owner)) continue
    const path = ['metadata', 'tenant']
    yield { reference: referenceOf(manifest), path, message: 'there is no such tenant' }
  }
  const taken = new Set<string>()
  for (const tenant of tenants) {
    const reference = referenceOf(tenant)
    const { realm, hosts = [] } = tenant.spec
    if (realm === undefined) {
      const message = 'without a control plane, a tenant’s manifest names its realm'
      yield { reference, path: ['spec', 'realm'], message }
    }
    const names = [...hosts, ...(realm === undefined ? [] : [realm.issuer])]
    for (const name of names) {
      if (taken.has(name)) {
        const path = name === realm?.issuer ? ['spec', 'realm', 'issuer'] : ['spec', 'hosts']
        yield { reference, path, message: 'it belongs to one tenant only' }
      }
      taken.add(name)
    }
  }
}

function aroundOf(
  platform: PlatformConfig,
  tenants: readonly ManifestOf<'Tenant'>[],
  options: StandingOptions,
  tenant?: ManifestOf<'Tenant'>,
): Surroundings {
  const { upstreams = [], contracts = [], plans } = platform
  const names = (list: readonly { readonly name: string }[]) =>
    new Set<string>(list.map(({ name }) => name))
  const plan = plans.find(({ name }) => name === tenant?.spec.plan)
  const contract = contracts.find(({ name }) => name === plan?.contract)
  const hosts = new Set([
    plainHost(new URL(options.audience)),
    ...tenants.flatMap(({ spec }) => spec.hosts ?? []),
  ])
  const { upstreams: rule = upstreamRule(), openapi } = options
  return {
    platformUpstreams: names(upstreams),
    platformContracts: names(contracts),
    plans: names(plans),
    apisWithoutContract: tenant && names(contract?.apis ?? []),
    policies: options.policies,
    upstreamRefusal: (url) => (hosts.has(plainHost(url)) ? REFUSED : rule(url)),
    ...(openapi === undefined ? {} : { openapiProblems: openapi }),
  }
}

function refusalOf(
  problems: readonly DeclaredProblem[],
  located: readonly LocatedManifest[],
): InvalidManifests {
  const places = new Map(located.map((one) => [keyOf(referenceOf(one.manifest)), one]))
  return new InvalidManifests(
    problems.map(({ reference, path, message }) => {
      const place = places.get(keyOf(reference))
      return {
        ...(place === undefined ? {} : { file: place.file, ...place.locate(path) }),
        reference,
        path: pathText(path),
        message,
      }
    }),
  )
}
