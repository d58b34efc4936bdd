import type { ContractConfig } from '../contracts/contract.ts'
import type { LimitConfig } from '../contracts/limit.ts'
import type { PlatformPolicies, PolicyStoreConfig } from '../contracts/policy-store.ts'
import type { TenantId } from '../core/tenant.ts'
import { openapiProblems } from './openapi-problems.ts'
import { type Declared, declaredBy, type Kept } from './declared.ts'
import { type Manifest, type Reference, referenceOf } from './manifest.ts'

/** What is wrong with what somebody declared, by the manifest and the field. */
export interface DeclaredProblem {
  readonly reference: Reference
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** What is wrong with a policy, and where in its store: `policies/staff-read`. */
export interface PolicyProblem {
  readonly where: string
  readonly message: string
}

/** Reads, validates and compiles policies. */
export interface PolicyCompiler {
  /** @param contract whose operations the policies may name */
  store(
    store: PolicyStoreConfig,
    tenant: TenantId,
    contract: ContractConfig | undefined,
  ): {
    readonly problems: readonly PolicyProblem[]
    /** For `parsed` of the configuration; undefined when there is a problem. */
    readonly parsed: string | undefined
  }
  /** The platform's: they forbid, and nothing else. */
  platform(policies: PlatformPolicies): readonly PolicyProblem[]
}

/** What the check asks of whoever knows more. */
export interface Surroundings {
  /** Names of upstreams and services of the platform. */
  readonly platformUpstreams: ReadonlySet<string>
  readonly platformContracts: ReadonlySet<string>
  readonly plans: ReadonlySet<string>
  /** Names of APIs that a tenant has who has no contract of its own; undefined when nobody knows. */
  readonly apisWithoutContract: ReadonlySet<string> | undefined
  readonly policies: PolicyCompiler
  /** Why a tenant's own upstream may not be there; undefined when it may. */
  readonly upstreamRefusal: (url: URL, tenant: TenantId) => string | undefined
  /** What is wrong with an OpenAPI document besides its form. */
  readonly openapiProblems?: (text: string) => readonly string[]
}

export interface CheckedDeclared {
  readonly problems: readonly DeclaredProblem[]
  /** What was made of the owner's policy store, if there is one and it is good. */
  readonly compiled: string | undefined
}

type Say = (manifest: Manifest, path: readonly PropertyKey[], message: string) => void

/**
 * Checks everything of one owner as it would be together: references, names that must differ, what is
 * compiled from it. Each manifest has its own form already.
 */
export function checkDeclared(
  tenant: TenantId | undefined,
  kept: readonly Kept[],
  around: Surroundings,
): CheckedDeclared {
  const problems: DeclaredProblem[] = []
  let compiled: string | undefined
  const say: Say = (manifest, path, message) => {
    problems.push({ reference: referenceOf(manifest), path: ['spec', ...path], message })
  }
  const declared = declaredBy(kept)
  const own = new Set<string>(declared.upstreams.map(({ name }) => name))
  const apis = declared.contracts[0]?.apis.map(({ name }) => String(name))
  const known = tenant === undefined ? undefined : apis ? new Set(apis) : around.apisWithoutContract
  const seen = { Contract: 0, PolicyStore: 0 }
  for (const one of kept) {
    const { manifest } = one
    switch (manifest.kind) {
      case 'Contract': {
        seen.Contract += 1
        if (tenant !== undefined && seen.Contract > 1) {
          say(manifest, [], 'a tenant has one contract: change the one that is there')
        }
        checkContract(manifest, { own, tenant, around }, say)
        break
      }
      case 'PolicyStore': {
        seen.PolicyStore += 1
        if (seen.PolicyStore > 1) say(manifest, [], 'there is one policy store for each owner')
        const judged = compilePolicies(one, tenant, declared, around.policies)
        compiled = judged.parsed
        for (const { where, message } of judged.problems) {
          say(manifest, policyPlace(manifest.spec, where), `${where}: ${message}`)
        }
        break
      }
      case 'Upstream': {
        if (tenant !== undefined) checkServers(manifest.spec.servers, tenant, around, manifest, say)
        break
      }
      case 'Guardrail': {
        for (const [index, api] of (manifest.spec.apis ?? []).entries()) {
          if (known?.has(api) === false) say(manifest, ['apis', index], 'there is no such API')
        }
        break
      }
      case 'Plan': {
        const { contract, limits } = manifest.spec
        if (contract !== undefined && !around.platformContracts.has(contract)) {
          say(manifest, ['contract'], 'the platform has no such contract')
        }
        checkLimits(limits, ['limits'], manifest, say)
        break
      }
      case 'Tenant': {
        if (!around.plans.has(manifest.spec.plan)) say(manifest, ['plan'], 'there is no such plan')
        checkLimits(manifest.spec.limits, ['limits'], manifest, say)
        break
      }
    }
  }
  return { problems, compiled }
}

/** The very entry of the store that is meant: `policies/staff-read` has a line of its own. */
function policyPlace(spec: object, where: string): readonly PropertyKey[] {
  const [part = '', ...rest] = where.split('/')
  const entries: unknown = Reflect.get(spec, part)
  const index = Array.isArray(entries)
    ? entries.findIndex((entry) => Reflect.get(Object(entry), 'id') === rest.join('/'))
    : -1
  return index < 0 ? [part] : [part, index]
}

function compilePolicies(
  store: Kept,
  tenant: TenantId | undefined,
  { contracts }: Declared,
  compiler: PolicyCompiler,
): ReturnType<PolicyCompiler['store']> {
  const { policy, policies } = declaredBy([{ ...store, compiled: undefined }])
  if (policy === undefined) return { problems: [], parsed: undefined }
  if (tenant === undefined) return { problems: compiler.platform(policies), parsed: undefined }
  return compiler.store(policy, tenant, contracts[0])
}

interface Owned {
  readonly own: ReadonlySet<string>
  readonly tenant: TenantId | undefined
  readonly around: Surroundings
}

function checkContract(
  manifest: Extract<Manifest, { kind: 'Contract' }>,
  { own, tenant, around }: Owned,
  say: Say,
): void {
  const names = new Set<string>()
  const prefixes = new Set<string>()
  for (const [index, api] of manifest.spec.apis.entries()) {
    const at = ['apis', index]
    if (names.has(api.name)) say(manifest, [...at, 'name'], 'an API of this name is in it already')
    names.add(api.name)
    // MCP servers are not found by a path of their own.
    if (api.kind !== 'mcp' && prefixes.has(api.prefix)) {
      say(manifest, [...at, 'prefix'], 'another API has this prefix')
    }
    if (api.kind !== 'mcp') prefixes.add(api.prefix)
    const refusal = unknownUpstream(api.upstream, { own, tenant, around })
    if (refusal !== undefined) say(manifest, [...at, 'upstream'], refusal)
    checkLimits(api.limits, [...at, 'limits'], manifest, say)
    if (api.openapi === undefined) continue
    const { openapiProblems: more = () => [] } = around
    const wrong = openapiProblems(api.openapi)
    for (const message of wrong.length > 0 ? wrong : more(api.openapi)) {
      say(manifest, [...at, 'openapi'], message)
    }
  }
}

/** Another tenant's upstream and one that there is not look alike: no name reaches beyond its owner. */
function unknownUpstream(
  { of, name }: ContractConfig['apis'][number]['upstream'],
  { own, tenant, around }: Owned,
): string | undefined {
  if (of === 'platform') {
    return around.platformUpstreams.has(name) ? undefined : 'the platform has no such upstream'
  }
  if (tenant === undefined) return 'a contract of the platform names the platform’s upstreams'
  return own.has(name) ? undefined : 'the tenant has no such upstream'
}

function checkServers(
  servers: readonly { readonly url: string }[],
  tenant: TenantId,
  around: Surroundings,
  manifest: Manifest,
  say: Say,
): void {
  for (const [index, { url }] of servers.entries()) {
    const refusal = around.upstreamRefusal(new URL(url), tenant)
    if (refusal !== undefined) say(manifest, ['servers', index, 'url'], refusal)
  }
}

function checkLimits(
  limits: readonly LimitConfig[] | undefined,
  path: readonly PropertyKey[],
  manifest: Manifest,
  say: Say,
): void {
  const names = new Set<string>()
  for (const [index, { name }] of (limits ?? []).entries()) {
    if (names.has(name)) say(manifest, [...path, index, 'name'], 'another limit has this name')
    names.add(name)
  }
}
