import { readFileSync } from 'node:fs'
import { RingfenceError } from '../core/errors.ts'
import type { ConnectionSettings } from './cluster.ts'

const PARAMETERS = new Set(['host', 'port', 'sslmode', 'sslrootcert'])
const NO_HOST = 'none.invalid'
const TLS_MODES = ['disable', 'require', 'verify-full'] as const

/**
 * Reads `postgres://user:password@host:port/database`, strictly. A socket's directory goes into
 * `?host=/path`, as libpq has it, and `port` beside it where the socket has another. `sslmode` is `disable`, `require` (encrypted, whoever answers) or `verify-full`;
 * without it a server on another machine must show a valid certificate, and one on this machine is
 * reached without TLS. `sslrootcert` names a file of trusted certificates.
 * @throws RingfenceError `invalid_url`, which never repeats a part of the URL that may hold a secret
 */
export function parseConnectionUrl(text: string): ConnectionSettings {
  const url = parse(text)
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.has(name)) refuse(`the parameters of a URL are ${[...PARAMETERS].join(', ')}`)
    if (value === '' || url.searchParams.getAll(name).length > 1) refuse(`${name} needs one value`)
  }
  const user = decode(url.username)
  if (user === '') refuse('a URL needs a user: postgres://user:password@host/database')
  const database = decode(url.pathname.slice(1)) || 'postgres'
  if (url.pathname.slice(1).includes('/')) refuse('a URL names one database after the host')
  const host = hostOf(url)
  return {
    host,
    port: portOf(url),
    user,
    ...(url.password === '' ? {} : { password: decode(url.password) }),
    database,
    ssl: tls(url, host),
  }
}

function parse(text: string): URL {
  // The URL parser drops some of these without a word.
  // oxlint-disable-next-line no-control-regex
  if (typeof text !== 'string' || /[\s\u0000-\u001f\u007f]/.test(text)) {
    refuse('a URL has no spaces or control characters')
  }
  // libpq takes a user without a host, for a socket; the URL standard wants a host then.
  const whole = text.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?]|$)/, `$1${NO_HOST}`)
  const url = URL.canParse(whole) ? new URL(whole) : refuse('this is not a URL')
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    refuse('a PostgreSQL URL begins with postgres:// or postgresql://')
  }
  if (url.hash !== '') refuse('a # in a URL must be written as %23')
  return url
}

function portOf(url: URL): number {
  const text = url.searchParams.get('port') ?? url.port
  if (url.searchParams.has('port') && url.port !== '') refuse('a URL names one port')
  const port = text === '' ? 5432 : Number(text)
  const isPort = /^\d{0,5}$/.test(text) && port >= 1 && port <= 65_535
  return isPort ? port : refuse('a port is a number from 1 to 65535')
}

function hostOf(url: URL): string {
  const socket = url.searchParams.get('host') ?? undefined
  const named = decode(url.hostname).replace(/^\[(.*)\]$/, '$1')
  const host = named === NO_HOST ? '' : named
  if (socket === undefined && host === '') refuse('a URL needs a host')
  if (socket !== undefined && (host !== '' || !socket.startsWith('/'))) {
    refuse('the parameter host is the directory of a unix socket, in place of the host')
  }
  if (host.includes(',') || host.includes('/')) refuse('a URL names one host')
  return socket ?? host
}

function tls(url: URL, host: string): boolean | object {
  const mode = url.searchParams.get('sslmode')
  const certificates = url.searchParams.get('sslrootcert')
  if (mode !== null && !TLS_MODES.some((known) => known === mode)) {
    refuse(`sslmode is one of ${TLS_MODES.join(', ')}`)
  }
  if (certificates !== null && mode !== 'verify-full')
    refuse('sslrootcert needs sslmode=verify-full')
  if (mode === 'require') return { rejectUnauthorized: false }
  if (certificates !== null) return { ca: readCertificates(certificates) }
  return mode === 'verify-full' || (mode === null && !isLocal(host))
}

const isLocal = (host: string): boolean =>
  host.startsWith('/') ||
  host === 'localhost' ||
  host === '::1' ||
  /^127\.\d+\.\d+\.\d+$/.test(host)

function readCertificates(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return refuse('the file that sslrootcert names cannot be read')
  }
}

function decode(part: string): string {
  try {
    const text = decodeURIComponent(part)
    return text.includes('\0') ? refuse('a URL has no NUL') : text
  } catch (error) {
    if (error instanceof RingfenceError) throw error
    return refuse('a % in a URL must be written as %25')
  }
}

function refuse(message: string): never {
  throw new RingfenceError('invalid_url', message)
}
