import type { Finding } from '../finding.ts'
import { DETECTORS } from '../finding.ts'
import type { Label } from './label.ts'

const HOUR = 3_600_000

/** How well detectors told attacks from what was none. */
export interface Judgement {
  readonly detectors: readonly {
    readonly detector: string
    readonly findings: number
    /** Of them those that no attack explains. */
    readonly falseFindings: number
  }[]
  readonly attacks: readonly {
    readonly attack: string
    readonly staged: number
    readonly told: number
  }[]
}

export function judge(findings: readonly Finding[], labels: readonly Label[]): Judgement {
  const names = [...new Set(labels.map(({ attack }) => attack))].toSorted()
  return {
    detectors: DETECTORS.map((detector) => {
      const own = findings.filter((finding) => finding.detector === detector)
      const isFalse = (finding: Finding) => !labels.some((label) => explains(label, finding))
      return { detector, findings: own.length, falseFindings: own.filter(isFalse).length }
    }),
    attacks: names.map((attack) => {
      const staged = labels.filter((label) => label.attack === attack)
      const told = staged.filter((label) => findings.some((finding) => tells(finding, label)))
      return { attack, staged: staged.length, told: told.length }
    }),
  }
}

function isAtTheTime({ from, to }: Label, { at }: Finding): boolean {
  return at >= from && at <= to
}

function tells(finding: Finding, label: Label): boolean {
  const { detector, tenant, about } = finding
  const isSame = detector === label.detector && tenant === label.tenant && about === label.about
  return isSame && isAtTheTime(label, finding)
}

/** An attack also makes its tenant's volume unusual, in the hour that it is in. */
function explains(label: Label, finding: Finding): boolean {
  if (tells(finding, label)) return true
  const { detector, tenant, at } = finding
  const hour = Math.floor(label.from / HOUR)
  return detector === 'unusual-volume' && tenant === label.tenant && Math.floor(at / HOUR) === hour
}
