/** Terminal colours that are readable on dark and on light grounds. */
const COLOURS = [36, 32, 33, 35, 34, 31] as const

export interface LogStream {
  write(text: string): unknown
  readonly isTTY?: boolean
}

/**
 * Writes lines as `name | line`, the names padded to one width and, on a terminal, each in a colour
 * of its own (unless NO_COLOR is set, https://no-color.org).
 */
export function prefixedLog(
  names: readonly string[],
  stream: LogStream,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): (name: string, line: string) => void {
  const width = Math.max(0, ...names.map((name) => name.length))
  const coloured = stream.isTTY === true && (environment['NO_COLOR'] ?? '') === ''
  return (name, line) => {
    const prefix = `${name.padEnd(width)} |`
    const colour = COLOURS[Math.max(0, names.indexOf(name)) % COLOURS.length]
    stream.write(`${coloured ? `\u001b[${colour}m${prefix}\u001b[0m` : prefix} ${line}\n`)
  }
}
