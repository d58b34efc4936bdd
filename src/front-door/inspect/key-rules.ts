import type { Finding } from '../../core/finding.ts'
import type { Configuration } from '../../snapshot/snapshot.ts'
import type { PublicJwk } from '../../tokens/signing-key.ts'

interface Holder {
  /** What the key signs. */
  readonly kind: 'requests' | 'jobs' | 'a workload' | 'a realm'
  readonly name: string
  readonly key: PublicJwk
}

/** What a key of each algorithm must be: 128 bits of strength, and no other curve. */
const CURVES: Readonly<Record<PublicJwk['alg'], string>> = { ES256: 'P-256', EdDSA: 'Ed25519' }

/** Keys that are weak, and keys that sign for two. */
export function keyRules(configuration: Configuration): readonly Finding[] {
  const owners = new Map<string, Holder>()
  const findings: Finding[] = []
  for (const holder of holdersOf(configuration)) {
    const { key, name } = holder
    if (key.crv !== CURVES[key.alg]) {
      findings.push({
        rule: 'fd-key-weak',
        severity: 'high',
        object: name,
        explanation: `It has a key on another curve than ${CURVES[key.alg]}, whose strength nobody has vouched for.`,
        fix: undefined,
      })
    }
    const identity = `${key.kty} ${key.crv ?? ''} ${key.x ?? ''}`
    const owner = owners.get(identity)
    if (owner === undefined) owners.set(identity, holder)
    else if (owner.name !== name) {
      findings.push({
        rule: 'fd-key-shared',
        severity: 'high',
        object: name,
        explanation: `Its key is also that of ${owner.name}: whoever signs for ${owner.kind} signs for ${holder.kind}.`,
        fix: undefined,
      })
    }
  }
  return findings
}

function holdersOf(configuration: Configuration): readonly Holder[] {
  const { platform } = configuration
  const tenants = [...configuration.tenants()]
  return [
    ...platform.contextKeys.map((key) => ({ kind: 'requests', name: 'gateway', key }) as const),
    ...platform.jobKeys.map((key) => ({ kind: 'jobs', name: 'control plane', key }) as const),
    ...platform.workloads.flatMap(({ client, keys }) =>
      keys.map((key) => ({ kind: 'a workload', name: `workload ${client}`, key }) as const),
    ),
    ...tenants.flatMap(({ id, keys }) =>
      keys.map((key) => ({ kind: 'a realm', name: `tenant ${id}`, key }) as const),
    ),
  ]
}
