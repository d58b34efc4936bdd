import { remembered } from './remembered.ts'

/** Header fields in the order in which they came, names in lower case, repeated ones apart. */
export type Headers = readonly (readonly [name: string, value: string])[]

/** From Node's `rawHeaders`: what Node joins or drops (a second Host, say) is still there. */
export function headersOf(raw: readonly string[]): Headers {
  const headers: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    headers.push([(raw[index] ?? '').toLowerCase(), raw[index + 1] ?? ''])
  }
  return headers
}

/** Asked many times a request: what is not there costs nothing but the look. */
export function valuesOf(headers: Headers, name: string): readonly string[] {
  let values: string[] | undefined
  for (const field of headers) {
    if (field[0] !== name) continue
    if (values === undefined) values = [field[1]]
    else values.push(field[1])
  }
  return values ?? NO_VALUES
}
const NO_VALUES: readonly string[] = []

/** The first field of a name. */
export function valueOf(headers: Headers, name: string): string | undefined {
  for (const field of headers) if (field[0] === name) return field[1]
  return undefined
}

/** RFC 9110, section 7.6.1, and what older proxies add to it. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const NOTHING_NAMED: ReadonlySet<string> = new Set()

/** Without the fields that are for one connection only, and those that `Connection` names. */
export function withoutHopByHop(headers: Headers): Headers {
  const connection = valuesOf(headers, 'connection')
  // It says nothing else on most connections, and that field is one of those.
  const isPlain = connection.every((value) => value === 'keep-alive')
  const named = isPlain
    ? NOTHING_NAMED
    : new Set(
        connection.flatMap((value) => value.split(',').map((name) => name.trim().toLowerCase())),
      )
  return headers.filter(({ 0: name }) => !HOP_BY_HOP.has(name) && !named.has(name))
}

/** By which services might be told who calls, for whom, and how: only the gateway may say so. */
const TRUSTED: readonly RegExp[] = [
  /^(?:x-)?ringfence(?:-|$)/,
  /(?:^|-)tenant/,
  /^x-scope-orgid$/,
  /^(?:x-)?(?:remote-)?user/,
  /^x-(?:auth|forwarded|original|rewrite|real)(?:-|$)/,
  /^x-(?:http-)?method(?:-override)?$/,
  /^(?:forwarded|authorization|dpop|x-request-id|traceparent|tracestate)$/,
  /(?:^|-)(?:client|connecting)-ip$/,
  // Some servers read an underscore as a hyphen, so that x_tenant_id would be x-tenant-id.
  /_/,
]
const ORDINARY = new Set(['user-agent'])
const isTrusted = remembered(
  (name) => !ORDINARY.has(name) && TRUSTED.some((pattern) => pattern.test(name)),
)

/** Without the fields that a service would believe. */
export function withoutTrusted(headers: Headers): Headers {
  return headers.filter(({ 0: name }) => !isTrusted(name))
}

const OWN = new Set(['x-request-id', 'ratelimit', 'ratelimit-policy'])
const isOwn = remembered(
  (name) => /^(?:x-)?ringfence(?:-|$)/.test(name.replaceAll('_', '-')) || OWN.has(name),
)

/** Without what only the gateway says to callers. */
export function withoutOwn(headers: Headers): Headers {
  return headers.filter(({ 0: name }) => !isOwn(name))
}

/** One after another, name and value: what Node and undici write as it stands. */
export function flat(headers: Headers, more: Headers = []): string[] {
  const all: string[] = []
  for (const field of headers) all.push(field[0], field[1])
  for (const field of more) all.push(field[0], field[1])
  return all
}

/** As Node takes them: repeated fields as lists. */
export function forNode(headers: Headers): Record<string, string[]> {
  const lists: Record<string, string[]> = Object.create(null)
  for (const [name, value] of headers) (lists[name] ??= []).push(value)
  return lists
}
