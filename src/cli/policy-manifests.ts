import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import type { ManifestOf } from '../manifests/manifest.ts'
import { manifestFiles } from '../manifests/manifest-files.ts'
import { readManifests } from '../manifests/read-manifests.ts'
import type { OperationAction } from '../policy/built-in-schema.ts'
import { operationsOf } from '../policy/operations.ts'
import { type ParsedStore, parsedStoreSchema } from '../policy/parse-policies.ts'
import type { PolicyTestCase } from '../policy/policy-tests.ts'
import type { StoreProblem } from '../policy/store-problems.ts'
import { type ValidatedStore, validateStore, type WrittenStore } from '../policy/validate-store.ts'
import { validatePlatformPolicies } from '../policy/validate-platform.ts'

/** A policy store of a file, looked at as it is looked at when it is applied. */
export interface StoreFile {
  readonly name: string
  /** Undefined for the platform's own policies. */
  readonly tenant: TenantId | undefined
  readonly written: WrittenStore
  readonly tests: readonly PolicyTestCase[]
  readonly validated: ValidatedStore
}

/**
 * The policy stores of a file, or of all files in and below a directory. A tenant's own contract
 * among them says which operations its APIs have.
 * @throws RingfenceError `invalid_manifest`, `invalid_argument`
 */
export function readStores(path: string): readonly StoreFile[] {
  const manifests = readManifests(manifestFiles(path)).map(({ manifest }) => manifest)
  const operationsIn = (tenant: TenantId | undefined) =>
    manifests.flatMap((one) =>
      one.kind === 'Contract' && one.metadata.tenant === tenant
        ? one.spec.apis.flatMap(operationsOf)
        : [],
    )
  const stores = manifests.flatMap((one) =>
    one.kind === 'PolicyStore' ? [storeFile(one, operationsIn(one.metadata.tenant))] : [],
  )
  if (stores.length > 0) return stores
  throw new RingfenceError('invalid_argument', `${path}: there is no PolicyStore in it`)
}

/** The one store of a file. @throws as `readStores`, and `invalid_argument` for several */
export function readStore(path: string, name?: string): StoreFile {
  const all = readStores(path).filter((one) => one.tenant !== undefined)
  const [only, ...others] = name === undefined ? all : all.filter((one) => one.name === name)
  if (only !== undefined && others.length === 0) return only
  const many = only === undefined ? 'there is none of a tenant' : 'there are several: name one'
  throw new RingfenceError('invalid_argument', `${path}: ${many} (--store)`)
}

/** What was made of a store. @throws RingfenceError `invalid_argument` for one with problems */
export function parsedOf({ name, validated }: StoreFile): ParsedStore {
  if (validated.parsed === undefined) {
    const [first] = validated.problems
    throw new RingfenceError(
      'invalid_argument',
      `${name} cannot be used: ${first?.where}: ${first?.message}`,
    )
  }
  return parsedStoreSchema.parse(JSON.parse(validated.parsed))
}

function storeFile(
  { metadata, spec }: ManifestOf<'PolicyStore'>,
  operations: readonly OperationAction[],
): StoreFile {
  const { tests = [], ...rest } = spec
  const written: WrittenStore = rest
  const { name, tenant } = metadata
  const unique = [...new Map(operations.map((one) => [one.name, one])).values()]
  const validated =
    tenant === undefined
      ? { problems: platformProblems(written), warnings: [], parsed: undefined }
      : validateStore(written, tenant, unique)
  return { name, tenant, written, tests, validated }
}

function platformProblems({ policies }: WrittenStore): readonly StoreProblem[] {
  return validatePlatformPolicies(policies)
}
