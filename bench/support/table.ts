import type { Row } from '../bench.ts'

const HEAD = ['', 'unit', 'n', 'p50', 'p95', 'p99', 'p99.9', 'ratio', 'range', 'aim'] as const

/** The rows as a table for a terminal. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD.map(String), ...rows.map(cells)]
  const widths = HEAD.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 || column === HEAD.length - 1
            ? cell.padEnd(widths[column] ?? 0)
            : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cells(row: Row): string[] {
  const range = row.ratioRange
  return [
    row.what,
    row.unit,
    String(row.n),
    figure(row.p50),
    row.p95 === undefined ? '' : figure(row.p95),
    row.p99 === undefined ? '' : figure(row.p99),
    row.p999 === undefined ? '' : figure(row.p999),
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)}x`,
    range === undefined ? '' : `${range[0].toFixed(2)}-${range[1].toFixed(2)}`,
    row.aim === undefined ? '' : `${row.aim.text}: ${row.aim.met ? 'met' : 'missed'}`,
  ]
}

function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
