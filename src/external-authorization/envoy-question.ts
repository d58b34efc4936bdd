import { z } from 'zod'
import { randomUUID } from 'node:crypto'
import { parseAddress, UNKNOWN_ADDRESS } from '../edge/address.ts'
import type { RequestHead } from '../gateway/request-head.ts'

/** What Envoy asks about. */
export interface EnvoyQuestion {
  readonly head: RequestHead
  readonly requestId: string
  /** `HTTP/1.1`, as Envoy says it of the caller's connection. */
  readonly protocol: string
}

/** A question as it was read from the wire, with what was left out as protocol buffers have it. */
const checkRequestSchema = z.object({
  attributes: z.object({
    source: z
      .object({ address: z.object({ socket_address: z.object({ address: z.string() }) }) })
      .nullish()
      .catch(undefined),
    request: z.object({
      http: z.object({
        method: z.string(),
        headers: z.record(z.string(), z.string()),
        path: z.string(),
        host: z.string(),
        scheme: z.string(),
        protocol: z.string(),
        header_map: z
          .object({
            headers: z.array(z.object({ key: z.string(), raw_value: z.instanceof(Buffer) })),
          })
          .nullish(),
      }),
    }),
    tls_session: z.object({ sni: z.string() }).nullish(),
  }),
})

/**
 * The request that Envoy asks about. Told to (`encode_raw_headers`), it says fields one by one; else it
 * joins those of one name by commas: two tokens are one that is none.
 * @throws ZodError for what is no question
 */
export function envoyQuestion(message: unknown): EnvoyQuestion {
  const { source, request, tls_session } = checkRequestSchema.parse(message).attributes
  const { method, headers, header_map, path, host, scheme } = request.http
  const said =
    header_map?.headers.map(({ key, raw_value }) => [key, raw_value.toString('latin1')] as const) ??
    Object.entries(headers)
  const rawHeaders = said.flatMap(([name, value]) =>
    name.startsWith(':') || name.toLowerCase() === 'host' ? [] : [name, value],
  )
  if (host !== '') rawHeaders.push('host', host)
  // Envoy says an empty name without TLS too. The scheme it must be told to say by itself
  // (`scheme_to_overwrite`): over HTTP/2 it would be the caller's word.
  const sni = (tls_session?.sni ?? '').toLowerCase()
  return {
    requestId: randomUUID(),
    protocol: request.http.protocol,
    head: {
      method,
      target: path,
      rawHeaders,
      address: parseAddress(source?.address.socket_address.address ?? '') ?? UNKNOWN_ADDRESS,
      serverName: sni === '' && scheme === 'http' ? undefined : sni,
      inner: undefined,
    },
  }
}
