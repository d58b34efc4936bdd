import { type Mark, type Matrix, buildMatrices, type MatrixRow, VERDICT_SIGNS } from './matrix.ts'
import { counted, headline, lasting } from './plain-words.ts'
import type { ProofReport } from './proof-report.ts'
import { fitted, painted, type TerminalStyle, VERDICT_PAINTS, wrapped } from './terminal-style.ts'

/** Columns of one tier in the matrix: three signs, and room for the tier's name. */
const TIER_WIDTH = 8
const LABEL_WIDTH_MAX = 44
const BLOCK_GAP = '   '

/** The matrix, the limits and the verdict, for a terminal of the given width or a log. */
export function renderTerminal(report: ProofReport, style: TerminalStyle): string {
  const lines = [
    ...buildMatrices(report).flatMap((matrix) => matrixLines(matrix, style)),
    ...keyLines(report, style),
    ...mutantLines(report, style),
    ...limitLines(report, style),
    ...verdictLines(report, style),
  ]
  return `${lines.join('\n')}\n`
}

function matrixLines({ engine, tiers, groups }: Matrix, style: TerminalStyle): readonly string[] {
  const rows = groups.flatMap((group) => group.rows)
  const cells = tiers.length * TIER_WIDTH
  const longest = Math.max(...rows.map(({ attack }) => attack.id.length), 8)
  const label = Math.max(Math.min(longest, LABEL_WIDTH_MAX, style.width - cells - 2), 8)
  const block = label + 2 + cells
  const across = Math.max(
    1,
    Math.floor((style.width + BLOCK_GAP.length) / (block + BLOCK_GAP.length)),
  )
  const heading = (kind: string) =>
    `${fitted(kind, label)}  ${tiers.map((tier) => fitted(tier, TIER_WIDTH)).join('')}`
  const line = ({ attack, cells: marks }: MatrixRow) =>
    `${fitted(attack.id, label)}  ${marks.map((cell) => signs(cell, style)).join('')}`
  return [
    '',
    painted(style, 'bold', engine),
    ...groups.flatMap(({ kind, rows: ofKind }) => {
      const columns = Math.min(across, ofKind.length)
      const high = Math.ceil(ofKind.length / columns)
      const starts = Array.from({ length: columns }, (_, index) => index * high)
      return [
        painted(
          style,
          'bold',
          starts
            .map((start) => heading(start === 0 ? kind : ''))
            .join(BLOCK_GAP)
            .trimEnd(),
        ),
        ...Array.from({ length: high }, (_, index) =>
          starts
            .map((start) => ofKind[start + index])
            .filter((row) => row !== undefined)
            .map(line)
            .join(BLOCK_GAP)
            .trimEnd(),
        ),
        '',
      ]
    }),
  ]
}

function signs(cell: readonly Mark[], style: TerminalStyle): string {
  const text = cell
    .map(({ verdict }) => painted(style, VERDICT_PAINTS[verdict], VERDICT_SIGNS[verdict].sign))
    .join('')
  return text + ' '.repeat(TIER_WIDTH - cell.length)
}

function keyLines(report: ProofReport, style: TerminalStyle): readonly string[] {
  const [a, b, ...others] = report.selection.tenants
  const key = Object.values(VERDICT_SIGNS).map(({ sign, word }) => `${sign} ${word}`)
  const who = `signs: ${a ?? ''} on ${b ?? ''}, ${b ?? ''} on ${a ?? ''}, ${others.join(' or ')} on one of them`
  return [key.join('   '), who].map((line) => painted(style, 'dim', wrapped(line, style.width)))
}

function mutantLines(report: ProofReport, style: TerminalStyle): readonly string[] {
  const missed = report.tiers.flatMap(({ engine, tier, mutants }) =>
    mutants
      .filter(({ status }) => status !== 'noticed')
      .map(({ id, status, reason }) => ({ where: `${engine} ${tier} ${id}`, status, reason })),
  )
  if (report.tiers.every(({ mutants }) => mutants.length === 0)) return []
  return [
    '',
    `${painted(style, 'bold', 'mutants')}  ${report.counts.noticed} of ${report.counts.mutants} noticed`,
    ...missed.map(({ where, status, reason }) =>
      status === 'void'
        ? `  ${painted(style, 'magenta', '?')} ${where}: ${reason ?? ''}`
        : `  ${painted(style, 'red', '✗')} ${where}: noticed by nobody`,
    ),
  ]
}

function limitLines(report: ProofReport, style: TerminalStyle): readonly string[] {
  if (report.limits.length === 0) return []
  return [
    '',
    painted(style, 'bold', 'stated limits'),
    ...report.limits.map(({ engine, tier, sentence }) =>
      wrapped(`~ ${engine} ${tier}: ${sentence}`, style.width),
    ),
  ]
}

function verdictLines(report: ProofReport, style: TerminalStyle): readonly string[] {
  const { title } = headline(report)
  const paint = VERDICT_PAINTS[report.verdict]
  const summary = `${counted(report.counts.strikes, 'strike')} in ${lasting(report.milliseconds)}`
  return [
    '',
    `${painted(style, paint, report.verdict.toUpperCase())}  ${painted(style, 'bold', title)}  (${summary})`,
    ...[...report.reasons, ...report.warnings].map((reason) => wrapped(reason, style.width)),
  ]
}
