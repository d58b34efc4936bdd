import type { Command } from 'commander'

/** What is looked for in a log, as its API names it. */
const FILTERS = [
  ['category', 'authentication, decision, lease, grant …'],
  ['action', 'lease.granted'],
  ['decision', 'allowed, denied, done or failed'],
  ['actor', 'who did it, or on whose behalf'],
  ['object', 'what it was done to: id, or type/id'],
  ['request-id', 'of one request'],
  ['trace-id', 'of one trace'],
  ['address', 'of the caller'],
  ['since', '2026-01-31T00:00:00Z'],
  ['until', '2026-02-01T00:00:00Z'],
  ['q', 'words that the entry holds'],
] as const

const FLAGS: Readonly<Record<string, string>> = { 'request-id': 'requestId', 'trace-id': 'traceId' }

export function filterFlags(command: Command): Command {
  for (const [name, says] of FILTERS) command.option(`--${name} <value>`, says)
  return command
}

/** What is looked for, with what else is asked, as a query. */
export function queryOf(
  flags: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(more)) if (value !== undefined) query.set(name, value)
  for (const [name] of FILTERS) {
    const value = flags[FLAGS[name] ?? name]
    if (typeof value === 'string') query.set(name.replace('-', '_'), value)
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}
