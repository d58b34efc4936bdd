import type { ContractConfig } from '../contracts/contract.ts'
import type { GuardrailConfig } from '../contracts/guardrail.ts'
import type { MeterConfig } from '../contracts/meter.ts'
import type { PlatformPolicies, PolicyStoreConfig } from '../contracts/policy-store.ts'
import type { UpstreamConfig } from '../contracts/upstream.ts'
import type { Manifest } from './manifest.ts'

/** A manifest in the version in which it is kept. */
export interface Kept {
  readonly manifest: Manifest
  readonly generation: number
  /** What was made of it when it was written: of policy stores. */
  readonly compiled?: string | undefined
}

/** What one owner has declared, in the forms in which the configuration carries it. */
export interface Declared {
  readonly upstreams: readonly UpstreamConfig[]
  readonly contracts: readonly ContractConfig[]
  readonly guardrails: readonly GuardrailConfig[]
  /** A tenant has one at most. */
  readonly policy: PolicyStoreConfig | undefined
  /** The platform's own, in a tenant's place. */
  readonly policies: PlatformPolicies
  /** The platform's alone. */
  readonly meters: readonly MeterConfig[]
}

/** @param kept of one owner */
export function declaredBy(kept: readonly Kept[]): Declared {
  const upstreams: UpstreamConfig[] = []
  const contracts: ContractConfig[] = []
  const guardrails: GuardrailConfig[] = []
  const meters: MeterConfig[] = []
  let policy: PolicyStoreConfig | undefined
  for (const { manifest, generation, compiled } of kept) {
    if (manifest.kind === 'Upstream') {
      upstreams.push({ name: manifest.metadata.name, ...manifest.spec })
    } else if (manifest.kind === 'Contract') {
      contracts.push({ name: manifest.metadata.name, ...manifest.spec })
    } else if (manifest.kind === 'Guardrail') {
      guardrails.push({ name: manifest.metadata.name, ...manifest.spec })
    } else if (manifest.kind === 'Meter') {
      meters.push({ name: manifest.metadata.name, ...manifest.spec })
    } else if (manifest.kind === 'PolicyStore') {
      // Tests of a store decide nothing.
      const { tests: _tests, ...store } = manifest.spec
      policy = {
        version: generation,
        ...store,
        ...(compiled === undefined ? {} : { parsed: compiled }),
      }
    }
  }
  return { upstreams, contracts, guardrails, policy, policies: policy?.policies ?? [], meters }
}
