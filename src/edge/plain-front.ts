import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Listen, type Listening, listenWith } from '../http/listen.ts'

export interface PlainFrontOptions {
  readonly listen: Listen
  /** What an authority of certificates is answered; undefined for what nobody has asked for. */
  readonly challenge?: (host: string, token: string) => Promise<string | undefined>
}

const CHALLENGE = /^\/\.well-known\/acme-challenge\/([^/?#]+)$/
const HOST = /^([a-z0-9-]+(?:\.[a-z0-9-]+)*)\.?(?::\d{1,5})?$/
const TARGET = /^\/[\w\-.~!$&'()*+,;=:@%/?]*$/

/**
 * What is left of plain HTTP where there is TLS: challenges are answered, whoever asks for something
 * without a token is sent to https, and everything else is refused. It says the same of every host.
 */
export function openPlainFront({ listen, challenge }: PlainFrontOptions): Promise<Listening> {
  return listenWith(
    createServer({ maxHeaderSize: 8 * 1024 }, (request, response) => {
      void answer(request, response, challenge)
    }),
    listen,
  )
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  challenge: PlainFrontOptions['challenge'],
): Promise<void> {
  const { method = '', url = '' } = request
  const host = HOST.exec((request.headers.host ?? '').toLowerCase())?.[1]
  const token = CHALLENGE.exec(url)?.[1]
  const isReading = method === 'GET' || method === 'HEAD'
  request.resume()
  response.setHeader('cache-control', 'no-store')
  if (host !== undefined && token !== undefined && isReading) {
    const text = await challenge?.(host, token)
    if (text === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(text)
    return
  }
  // A token that came in the clear is lost: nobody is to get used to that.
  const isHarmless = isReading && request.headers.authorization === undefined
  if (host !== undefined && isHarmless && TARGET.test(url) && !url.startsWith('//')) {
    response.writeHead(308, { location: `https://${host}${url}` }).end()
  } else response.writeHead(403, { 'content-type': 'text/plain' }).end('https is needed here\n')
}
