import type { IncomingMessage, RequestListener } from 'node:http'
import { type Address, type Heard, Wire } from '../../strikes/wire.ts'
import type { Plane } from './plane.ts'

/** A request on its way in, read whole. */
export interface Passing {
  readonly method: string
  readonly target: string
  /** In order, names as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** What stands between callers and a plane: passes requests on, or answers in its place. */
export type Front = (
  said: Passing,
  pass: (said: Passing) => Promise<Heard>,
  plane: Plane,
) => Promise<Heard>

/** Headers of one connection; they are made anew for the next. */
const OF_A_CONNECTION = /^(?:connection|content-length|transfer-encoding|keep-alive)$/i

/** A proxy in front of a plane that listens at an address. */
export function fronted(front: Front, plane: Plane, inner: Address): RequestListener {
  const pass = ({ method, target, headers, body }: Passing) =>
    new Wire().ask(inner, {
      method,
      target,
      headers,
      ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
    })
  return (request, response) => {
    void read(request)
      .then((said) => front(said, pass, plane))
      .then(({ status, headers, body }) => {
        response.statusCode = status
        for (const [name, value] of headers) {
          if (!OF_A_CONNECTION.test(name)) response.appendHeader(name, value)
        }
        response.end(body, 'latin1')
      })
      .catch(() => response.destroy())
  }
}

async function read(request: IncomingMessage): Promise<Passing> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const raw = request.rawHeaders
  const headers = raw.flatMap((name, at) =>
    at % 2 === 0 && !OF_A_CONNECTION.test(name) ? [[name, raw[at + 1] ?? ''] as const] : [],
  )
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers,
    body: Buffer.concat(chunks).toString('latin1'),
  }
}
