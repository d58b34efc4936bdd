import { platformOutside } from '../../alerts/outside.ts'
import type { Outside } from '../../alerts/outside.ts'
import { call } from '../../http/call.ts'
import { RingfenceError } from '../../core/errors.ts'
import { leadingInside } from '../house/resolver.ts'
import type { Pieces } from '../house/pieces.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

const TIMEOUT_MS = 2_000

/** Refuses what its own look at an address's text refuses, and reaches whatever is left. */
function looking(refuses: (text: string, url: URL) => boolean): Pick<Pieces, 'outside'> {
  const reaching = platformOutside()
  const outside: Outside = {
    ...reaching,
    send: (url, what) =>
      call(url.origin, {
        timeoutMs: TIMEOUT_MS,
        ...what,
        path: url.pathname,
        lookup: leadingInside,
      }),
    url(text) {
      const url = new URL(text)
      if (refuses(text, url)) throw new RingfenceError('invalid_argument', 'not this address')
      return url
    },
  }
  return { outside: () => outside }
}

/** Sinks of alerts that tell whom they should not. */
export const WORSE_SINKS: readonly RecordsMutant[] = [
  mutant(
    'rc-sink-anywhere',
    'Tenants’ sinks are reached wherever they are',
    [
      'rc-sink-inside',
      'rc-sink-spelled',
      'rc-stream-inside',
      'rc-stream-spelled',
      'rc-told-inside',
    ],
    looking(() => false),
  ),
  mutant(
    'rc-sink-not-loopback',
    'Addresses that read like this machine’s are refused, and no others',
    ['rc-sink-spelled'],
    looking((text) => /127\.0\.0\.1|localhost|169\.254/.test(text)),
  ),
  mutant(
    'rc-sink-names-believed',
    'Addresses are judged, and names are not',
    ['rc-sink-resolved', 'rc-stream-resolved'],
    looking((_text, { hostname, protocol }) => /^[[\d]/.test(hostname) || protocol !== 'https:'),
  ),
  mutant(
    'rc-sink-by-name',
    'Sinks are known by their names, and not by whose they are',
    ['rc-sink-name'],
    {
      sinks: (sinks) => {
        const first = new Map(sinks.toReversed().map((sink) => [sink.name, sink]))
        return sinks.map(({ owner, name, ...rest }) => ({
          owner,
          name,
          deliver: (notice) => first.get(name)?.deliver(notice) ?? rest.deliver(notice),
        }))
      },
    },
  ),
]
