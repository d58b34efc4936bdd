import type { ContractConfig } from '../contracts/contract.ts'
import type { PlatformPolicies, PolicyStoreConfig } from '../contracts/policy-store.ts'
import type { TenantId } from '../core/tenant.ts'
import { operationsOf } from './operations.ts'
import { validatePlatformPolicies } from './validate-platform.ts'
import { type ValidatedStore, validateStore } from './validate-store.ts'

/** What stands before everything that is written: it reads, validates and prepares policies. */
export const policyCompiler = {
  /** @param contract whose operations the policies may name */
  store(
    store: PolicyStoreConfig,
    tenant: TenantId,
    contract: ContractConfig | undefined,
  ): ValidatedStore {
    return validateStore(store, tenant, contract?.apis.flatMap(operationsOf) ?? [])
  },
  /** The platform's: they forbid, and nothing else. */
  platform: (policies: PlatformPolicies) => validatePlatformPolicies(policies),
} as const
