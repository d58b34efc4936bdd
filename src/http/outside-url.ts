import { RingfenceError } from '../core/errors.ts'

const LOCAL = new Set(['127.0.0.1', '[::1]', 'localhost'])

/**
 * An address outside that secrets may be sent to: HTTPS, or HTTP to this machine, and no password in it.
 * @throws RingfenceError `invalid_argument`; the address is not echoed.
 */
export function parseOutsideUrl(value: string): URL {
  const url = URL.parse(value)
  // A path that begins with two slashes would be read as another host where it is put together again.
  if (url === null || url.username !== '' || url.password !== '' || url.pathname.startsWith('//')) {
    throw new RingfenceError(
      'invalid_argument',
      'an address is https://host/path, without a password',
    )
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL.has(url.hostname))) return url
  throw new RingfenceError(
    'invalid_argument',
    'an address outside this machine begins with https://',
  )
}
