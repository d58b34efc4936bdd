import type { Exchange } from './exchange.ts'
import { valuesOf } from './headers.ts'
import { looseTarget } from './target.ts'

/** The URL that was called, as the caller should have it, without query: from what the checks let pass. */
export function calledUrl(
  { incoming, target }: Pick<Exchange, 'incoming' | 'target'>,
  protocol: 'http' | 'https',
): string | undefined {
  return comparableUrl(`${protocol}://${valuesOf(incoming, 'host')[0] ?? ''}${target.path}`)
}

/**
 * A URL as one compares it (RFC 9449, section 4.3): host in lower case, no default port, no query, no
 * fragment, no needless percent-encodings. Undefined for what names no place on the web.
 */
export function comparableUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, username, password, hostname, port, pathname } = new URL(text)
  const isWeb = protocol === 'http:' || protocol === 'https:'
  if (!isWeb || username !== '' || password !== '') return undefined
  const host = hostname.replace(/\.$/, '')
  return `${protocol}//${host}:${port}${looseTarget(pathname).path}`
}
