import type { Attack, Provable, Mutant } from '../boundaries/boundary.ts'
import { RingfenceError } from '../core/errors.ts'
import { parseTenantId, TIERS, type TenantId, type Tier } from '../core/tenant.ts'
import {
  PROOF_TENANTS_DEFAULT,
  PROOF_TENANTS_MAX,
  PROOF_TENANTS_MIN,
  type ProofOptions,
} from './proof-options.ts'

/** One attack, by one tenant, on another. */
export interface PlannedStrike {
  readonly attack: Attack
  readonly attacker: TenantId
  readonly victim: TenantId
}

/** One rehearsal to run: a tier of a boundary with everything that is tried on it. */
export interface PlannedRehearsal {
  readonly boundary: Provable
  readonly tier: Tier
  readonly attacks: readonly Attack[]
  readonly strikes: readonly PlannedStrike[]
  readonly mutants: readonly Mutant[]
}

export interface ProofPlan {
  readonly tenants: readonly TenantId[]
  readonly rehearsals: readonly PlannedRehearsal[]
}

// The second id begins with the first: a boundary that compares by prefix confuses the two.
const NAMES = ['acme', 'acme-1', 'birch', 'cedar', 'delta', 'elm', 'fir', 'grove']

/** The ids of `count` rehearsal tenants. The first two are the pair that every attack tries both ways. */
export function rehearsalTenants(count: number): readonly TenantId[] {
  return Array.from({ length: count }, (_, index) =>
    parseTenantId(NAMES[index] ?? `tenant-${index + 1}`),
  )
}

/**
 * Every attack both ways between the first two tenants, and once by one of the others, who take
 * turns, as do their victims.
 */
export function planStrikes(
  attacks: readonly Attack[],
  tenants: readonly TenantId[],
): readonly PlannedStrike[] {
  const [a, b, ...others] = tenants
  if (a === undefined || b === undefined) return []
  return attacks.flatMap((attack, index) => {
    const both = [
      { attack, attacker: a, victim: b },
      { attack, attacker: b, victim: a },
    ]
    const attacker = others[index % others.length]
    if (attacker === undefined) return both
    const victims = tenants.filter((tenant) => tenant !== attacker)
    const victim = victims[Math.floor(index / others.length) % victims.length]
    return victim === undefined ? both : [...both, { attack, attacker, victim }]
  })
}

/**
 * Decides what a run consists of.
 * @throws RingfenceError `invalid_argument` for a number of tenants outside 3 to 16, an id in `only`
 *   that no boundary knows, a selection that leaves nothing to run, and names that occur twice.
 */
export function planProof(options: ProofOptions): ProofPlan {
  const count = options.tenants ?? PROOF_TENANTS_DEFAULT
  if (!Number.isInteger(count) || count < PROOF_TENANTS_MIN || count > PROOF_TENANTS_MAX) {
    throw new RingfenceError(
      'invalid_argument',
      `a proof takes ${PROOF_TENANTS_MIN} to ${PROOF_TENANTS_MAX} tenants`,
    )
  }
  const tenants = rehearsalTenants(count)
  requireDistinct(options.boundaries)
  const { attackIds, mutantIds } = readSelection(options)
  const chosen = (ids: ReadonlySet<string> | undefined, id: string) => ids?.has(id) ?? true
  const rehearsals = options.boundaries.flatMap((boundary) =>
    boundary.tiers
      .filter((tier) => options.tiers?.includes(tier) ?? true)
      .sort((left, right) => TIERS.indexOf(left) - TIERS.indexOf(right))
      .map((tier): PlannedRehearsal => {
        const attacks = boundary
          .attacks()
          .filter((attack) => attack.tiers.includes(tier) && chosen(attackIds, attack.id))
        const mutants =
          options.mutants === false
            ? []
            : boundary
                .mutants()
                .filter((mutant) => mutant.tiers.includes(tier) && chosen(mutantIds, mutant.id))
        return { boundary, tier, attacks, strikes: planStrikes(attacks, tenants), mutants }
      }),
  )
  // A tier that a narrowed run leaves empty is left out; in a full run an empty tier is void.
  const narrowed = (options.only?.length ?? 0) > 0
  const kept = narrowed
    ? rehearsals.filter(
        ({ attacks, mutants }) =>
          attacks.length > 0 &&
          (mutantIds === undefined || mutantIds.size === 0 || mutants.length > 0),
      )
    : rehearsals
  if (kept.length === 0) {
    throw new RingfenceError('invalid_argument', 'the selection leaves nothing to prove')
  }
  return { tenants, rehearsals: kept }
}

function readSelection(options: ProofOptions): {
  readonly attackIds: ReadonlySet<string> | undefined
  readonly mutantIds: ReadonlySet<string> | undefined
} {
  const only = options.only ?? []
  if (only.length === 0) return { attackIds: undefined, mutantIds: undefined }
  const attacks = new Set(options.boundaries.flatMap((b) => b.attacks().map(({ id }) => id)))
  const mutants = new Set(options.boundaries.flatMap((b) => b.mutants().map(({ id }) => id)))
  const unknown = only.find((id) => !attacks.has(id) && !mutants.has(id))
  if (unknown !== undefined) {
    throw new RingfenceError(
      'invalid_argument',
      `no attack or mutant is called ${JSON.stringify(unknown)}`,
    )
  }
  const named = only.filter((id) => attacks.has(id))
  return {
    attackIds: named.length === 0 ? undefined : new Set(named),
    mutantIds: new Set(only.filter((id) => mutants.has(id))),
  }
}

/** Reports tell engines, attacks and mutants apart by name. */
function requireDistinct(boundaries: readonly Provable[]): void {
  const names = [
    boundaries.map(({ engine }) => engine),
    ...boundaries.map((boundary) => boundary.attacks().map(({ id }) => id)),
    ...boundaries.map((boundary) => boundary.mutants().map(({ id }) => id)),
  ]
  for (const group of names) {
    const twice = group.find((name, index) => group.indexOf(name) !== index)
    if (twice !== undefined) {
      throw new RingfenceError('invalid_argument', `${JSON.stringify(twice)} occurs twice`)
    }
  }
}
