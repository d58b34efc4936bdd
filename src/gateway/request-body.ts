import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { stageDenial } from './body-stages.ts'
import type { Exchange } from './exchange.ts'
import { type Headers, valueOf } from './headers.ts'
import { bodyTooLarge } from './limit-checks.ts'

/** Whether bytes follow the head of a request. */
export function hasBody(incoming: Headers): boolean {
  if (valueOf(incoming, 'transfer-encoding') !== undefined) return true
  return (valueOf(incoming, 'content-length') ?? '0') !== '0'
}

/**
 * The body of a request as it goes upstream: counted, and through its stages. When it is let go of,
 * what is still to come of it is read and thrown away, so that its sender hears of a refusal.
 * @param fail is told why the body cannot go on
 */
export function requestBody(
  exchange: Exchange,
  request: IncomingMessage,
  stages: readonly Transform[],
  fail: (error: unknown) => void,
): Readable {
  const gauge = counted(exchange)
  gauge.once('error', fail)
  for (const stage of stages) stage.once('error', (error) => fail(stageDenial(error)))
  const last = stages.at(-1) ?? gauge
  // Not by `pipeline`: that would cut the caller off before the refusal has reached it.
  last.once('close', () => {
    request.unpipe(gauge)
    request.resume()
    gauge.destroy()
    for (const stage of stages) stage.destroy()
  })
  let from: Transform = request.pipe(gauge)
  for (const stage of stages) from = from.pipe(stage)
  return last
}

function counted({ bytes, bodyBytesMax }: Exchange): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes.request += chunk.length
      if (bytes.request > bodyBytesMax) done(bodyTooLarge())
      else done(undefined, chunk)
    },
  })
}
