import type { Exchange } from './exchange.ts'
import { valuesOf } from './headers.ts'
import { parseHost } from './host.ts'

/** RFC 7239, as of this hop: what came from outside says nothing. */
export function forwardedHeader(
  { head: { address }, incoming }: Pick<Exchange, 'head' | 'incoming'>,
  protocol: 'http' | 'https',
): string {
  const node = address.includes(':') ? `"[${address}]"` : address
  const host = parseHost(valuesOf(incoming, 'host')[0] ?? '')
  return `for=${node};proto=${protocol}${host === undefined ? '' : `;host="${host}"`}`
}
