import { stringify } from 'yaml'
import { RingfenceError } from '../core/errors.ts'

export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

type Row = Readonly<Record<string, unknown>>
/** What a table shows of an item; the other formats show all of it. */
export type Columns<T> = (item: T) => Row

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
  rows: readonly Row[],
  format: OutputFormat,
  write: (text: string) => void,
): void {
  writeList(rows, (row) => row, format, write)
}

/** Writes a list: its columns as a table, or all of it for programs. */
export function writeList<T>(
  items: readonly T[],
  columns: Columns<T>,
  format: OutputFormat,
  write: (text: string) => void,
): void {
  if (format === 'table') write(table(items.map(columns)))
  else write(documentText(items, format))
}

/** Writes one thing: a line for each of its columns, or all of it for programs. */
export function writeOne<T>(
  item: T,
  columns: Columns<T>,
  format: OutputFormat,
  write: (text: string) => void,
): void {
  if (format !== 'table') return write(documentText(item, format))
  const entries = Object.entries(columns(item))
  const width = Math.max(...entries.map(([name]) => name.length))
  write(entries.map(([name, value]) => `${name.padEnd(width)}   ${cell(value)}\n`).join(''))
}

/** A value for programs. */
export function documentText(value: unknown, format: Exclude<OutputFormat, 'table'>): string {
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value)
}

function table(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {})
  if (names.length === 0) return 'nothing to show\n'
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

/** One line, without anything that a terminal would obey: names and notes were written by others. */
function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-'
  const text =
    value instanceof Date
      ? value.toISOString()
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
}
