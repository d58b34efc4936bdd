import type { Mark } from './matrix.ts'
import type { ProofVerdict } from './proof-report.ts'

/** What of a stream matters: `process.stdout` is one. */
export interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export interface TerminalStyle {
  /** Columns. */
  readonly width: number
  readonly colour: boolean
}

const WIDTH_DEFAULT = 80
const WIDTH_MIN = 40

/** Colour only on a terminal that can, and never against NO_COLOR (no-color.org). */
export function terminalStyle(
  terminal: Terminal,
  env: Readonly<Record<string, string | undefined>>,
): TerminalStyle {
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return {
    width: Math.max(terminal.columns ?? WIDTH_DEFAULT, WIDTH_MIN),
    colour: terminal.isTTY === true && !refused,
  }
}

const CODES = { red: 31, green: 32, yellow: 33, magenta: 35, bold: 1, dim: 2 } as const
export type Paint = keyof typeof CODES

export function painted(style: TerminalStyle, paint: Paint, text: string): string {
  return style.colour ? `\u001b[${CODES[paint]}m${text}\u001b[0m` : text
}

export const VERDICT_PAINTS: Readonly<Record<Mark['verdict'] | ProofVerdict, Paint>> = {
  denied: 'green',
  leaked: 'red',
  limit: 'yellow',
  void: 'magenta',
  none: 'dim',
  proven: 'green',
  leak: 'red',
  unnoticed: 'red',
}

/** `text` in exactly `width` columns, cut with an ellipsis or filled up with spaces. */
export function fitted(text: string, width: number): string {
  const characters = Array.from(text)
  if (characters.length <= width) return text + ' '.repeat(width - characters.length)
  return `${characters.slice(0, Math.max(width - 1, 0)).join('')}…`
}

/** `text` in lines of at most `width` columns, indented by two, later lines by four. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = []
  let line = ' '
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = '   '
    }
    line += ` ${word}`
  }
  return [...lines, line].join('\n')
}
