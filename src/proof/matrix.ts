import { ATTACK_KINDS, type AttackKind } from '../boundaries/boundary.ts'
import { TIERS, type Tier } from '../core/tenant.ts'
import type { AttackReport, ProofReport, StrikeReport } from './proof-report.ts'

/**
 * The picture that every report draws: per engine, attacks down the side by kind, and for each tier
 * three strikes: A on B, B on A, and one by another tenant.
 */
export interface Matrix {
  readonly engine: string
  readonly tiers: readonly Tier[]
  readonly groups: readonly { readonly kind: AttackKind; readonly rows: readonly MatrixRow[] }[]
}

export interface MatrixRow {
  readonly attack: AttackReport
  /** One cell for each tier of the matrix. */
  readonly cells: readonly (readonly Mark[])[]
}

/** What a strike came to. `none`: the attack is not made for this tier. `void`: also not run at all. */
export interface Mark {
  readonly verdict: StrikeReport['verdict'] | 'none'
  readonly direction: (typeof DIRECTIONS)[number]
  readonly strike: StrikeReport | undefined
}

export const DIRECTIONS = ['A → B', 'B → A', 'C → …'] as const

/** What a verdict is called for people, and its sign where colour alone must not carry it. */
export const VERDICT_SIGNS = {
  denied: { sign: '✓', word: 'denied' },
  leaked: { sign: '✗', word: 'leaked' },
  limit: { sign: '~', word: 'stated limit' },
  void: { sign: '?', word: 'not shown' },
  none: { sign: '·', word: 'not made for this tier' },
} as const

export function buildMatrices(report: ProofReport): readonly Matrix[] {
  const engines = [...new Set(report.tiers.map(({ engine }) => engine))]
  return engines.map((engine) => {
    const tiers = TIERS.filter((tier) =>
      report.tiers.some((part) => part.engine === engine && part.tier === tier),
    )
    const attacks = report.attacks.filter((attack) => attack.engine === engine)
    const groups = ATTACK_KINDS.map((kind) => ({
      kind,
      rows: attacks
        .filter((attack) => attack.kind === kind)
        .map((attack) => ({
          attack,
          cells: tiers.map((tier) => cellOf(report, attack, tier)),
        })),
    })).filter(({ rows }) => rows.length > 0)
    return { engine, tiers, groups }
  })
}

function cellOf(report: ProofReport, attack: AttackReport, tier: Tier): readonly Mark[] {
  const [a, b] = report.selection.tenants
  const strikes =
    report.tiers
      .find((part) => part.engine === attack.engine && part.tier === tier)
      ?.strikes.filter((strike) => strike.attack === attack.id) ?? []
  const byDirection = [
    strikes.find(({ attacker }) => attacker === a),
    strikes.find(({ attacker }) => attacker === b),
    strikes.find(({ attacker }) => attacker !== a && attacker !== b),
  ]
  const missing = attack.tiers.includes(tier) ? 'void' : 'none'
  return DIRECTIONS.map((direction, index) => {
    const strike = byDirection[index]
    return { verdict: strike?.verdict ?? missing, direction, strike }
  })
}
