import { z } from 'zod'
import { randomUUID } from 'node:crypto'
import { parseAddress, UNKNOWN_ADDRESS } from '../edge/address.ts'
import type { RequestHead } from '../gateway/request-head.ts'

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
      }),
    }),
    tls_session: z.object({ sni: z.string() }).nullish(),
  }),
})

/**
 * The request that Envoy asks about. It joins fields of one name by commas: two tokens are one that is
 * none. @throws ZodError for what is no question
 */
export function envoyQuestion(message: unknown): {
  readonly head: RequestHead
  readonly requestId: string
} {
  const { source, request, tls_session } = checkRequestSchema.parse(message).attributes
  const { method, headers, path, host, scheme } = request.http
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(':') || name.toLowerCase() === 'host' ? [] : [name, value],
  )
  if (host !== '') rawHeaders.push('host', host)
  return {
    requestId: randomUUID(),
    head: {
      method,
      target: path,
      rawHeaders,
      address: parseAddress(source?.address.socket_address.address ?? '') ?? UNKNOWN_ADDRESS,
      // Unless it is plain HTTP for certain, the handshake must be known and for this host.
      serverName: scheme === 'http' ? undefined : (tls_session?.sni ?? '').toLowerCase(),
      inner: undefined,
    },
  }
}
