import { stringify } from 'yaml'
import { RingfenceError } from '../core/errors.ts'

export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** @throws RingfenceError `invalid_argument` */
export function parseFormat(value: string): OutputFormat {
  const format = OUTPUT_FORMATS.find((name) => name === value)
  if (format === undefined) {
    throw new RingfenceError('invalid_argument', `-o is one of ${OUTPUT_FORMATS.join(', ')}`)
  }
  return format
}

/** Writes rows as a table with a header, or as JSON or YAML for programs. */
export function writeRows(
  rows: readonly Readonly<Record<string, unknown>>[],
  format: OutputFormat,
  write: (text: string) => void,
): void {
  if (format === 'json') write(`${JSON.stringify(rows, null, 2)}\n`)
  else if (format === 'yaml') write(stringify(rows))
  else write(table(rows))
}

function table(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = Object.keys(rows[0] ?? {})
  if (names.length === 0) return 'nothing to show\n'
  const cell = (value: unknown) =>
    value === undefined || value === null
      ? '-'
      : value instanceof Date
        ? value.toISOString()
        : typeof value === 'string'
          ? value
          : JSON.stringify(value)
  const lines = [
    names.map((name) => name.toUpperCase()),
    ...rows.map((row) => names.map((name) => cell(row[name]))),
  ]
  const widths = names.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  )
  return lines
    .map(
      (line) =>
        `${line
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('')
}
